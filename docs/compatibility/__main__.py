"""Write the page: python -m docs.compatibility."""

from docs.compatibility import PAGE, load, page

PAGE.write_text(page(load()), encoding="utf-8")
