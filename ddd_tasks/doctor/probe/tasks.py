"""What the doctor gives to the inv on PATH: it says which ddd_tasks is imported there."""

import sys

import ddd_tasks

sys.stdout.write(f"ddd_tasks={ddd_tasks.__file__}\n")
sys.stdout.flush()
