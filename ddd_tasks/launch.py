"""What a shim starts, by its path and without site-packages: `python -I -S launch.py exec FLAGS -- COMMAND`."""

import os
import sys

if __name__ == "__main__":
    sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
    from ddd_tasks.fast import main

    sys.exit(main(sys.argv[1:]))
