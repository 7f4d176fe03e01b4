"""Our own tasks: every collection of ddd-tasks, as a user would write it."""

from ddd_tasks import ns
