"""`python -m genet5` is the `genet5` command."""

import genet5.cli as cli

if __name__ == "__main__":
    cli.main()
