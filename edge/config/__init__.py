"""What a gateway is configured with: settings files and register profiles."""
