"""Score leads with reasons that add up. Start at `lead_scoring.bootstrap.connect`."""
