"""The subcommands of `genet5-score`."""
