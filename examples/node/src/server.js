// Starts the service on PORT and ends it at once on SIGTERM and SIGINT.
import { createApp } from "./app.js";

const server = createApp().listen(Number(process.env.PORT ?? 8000), () => {
  console.log(`listening on port ${server.address().port}`);
});

// As the first process of a container, node gets no signal that it does not handle.
for (const signal of ["SIGTERM", "SIGINT"]) {
  process.once(signal, () => {
    server.close(() => process.exit(0));
    server.closeIdleConnections();
    // Requests that take longer end with the process.
    setTimeout(() => process.exit(0), 500).unref();
  });
}
