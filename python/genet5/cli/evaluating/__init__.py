"""The subcommands of `genet5 eval`."""
