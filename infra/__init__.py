"""Everything around the product on a laptop: the local run, demo data, measurements."""
