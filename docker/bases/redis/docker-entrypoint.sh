#!/bin/sh
# Options or a configuration file alone are arguments of redis-server; started as root, the server becomes redis.
set -e

case "${1-}" in
    -* | *.conf) set -- redis-server "$@" ;;
esac

is_server() {
    case "${1##*/}" in
        redis-server | redis-sentinel) return 0 ;;
    esac
    return 1
}

if is_server "${1-}" && [ "$(id -u)" = 0 ] && [ -z "${SKIP_DROP_PRIVS-}" ]; then
    if [ -z "${SKIP_FIX_PERMS-}" ]; then
        find . ! -user redis -exec chown redis {} + || true
    fi
    exec setpriv --reuid redis --regid redis --clear-groups --no-new-privs -- "$0" "$@"
fi

if [ "$(umask)" = 0022 ]; then
    umask 0077
fi
exec "$@"
