"""`python -m lentera`: the same as the `lentera` command."""

from lentera.cli.app import main

main()
