// Before the first paint, so that a page that was set to dark does not flash in white.
try {
  const chosen = localStorage.getItem("ddd-monitor-theme");
  if (chosen === "light" || chosen === "dark") document.documentElement.dataset.theme = chosen;
} catch { /* storage may be closed; the system's choice holds */ }
