"""What runs in the containers of the toolbox image, beside a service: it brings a debugger and carries bytes to it."""
