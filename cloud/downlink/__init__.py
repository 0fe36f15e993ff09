"""What the cloud asks of gateways: commands and acknowledgements."""
