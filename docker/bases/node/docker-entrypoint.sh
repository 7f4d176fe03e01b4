#!/bin/sh
# As in the official image: options, files that cannot be executed and what is no command at all are given to node.
set -e

is_for_node() {
    case "${1-}" in
        -*) return 0 ;;
    esac
    if [ -z "$(command -v -- "${1-}")" ]; then
        return 0
    fi
    # dash takes a file in the working directory for a command, whether it may be executed or not.
    [ -f "$1" ] && [ ! -x "$1" ]
}

if is_for_node "$@"; then
    set -- node "$@"
fi
exec "$@"
