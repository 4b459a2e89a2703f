"""`python -m chatkeep`."""

from chatkeep.cli.main import main

if __name__ == "__main__":
    main()
