"""Clients of debuggers: the Debug Adapter Protocol and the Chrome DevTools Protocol, as an editor speaks them."""
