"""`python -m ddd_tasks` is the `ddd` program."""

from ddd_tasks.cli import main

if __name__ == "__main__":
    main()
