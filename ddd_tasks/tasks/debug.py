"""The `debug` collection: any service under a debugger, from its debug stage or live, and the proof that it works.

What only some tasks need is imported by those: `inv --list` would pay for it.
"""

from __future__ import annotations
