#!/bin/sh
# Writes /etc/pgbouncer/pgbouncer.ini and userlist.txt from variables unless they are there (mounted), then becomes the pooler:
#
#   DB_HOST, DB_PORT (5432), DB_NAME (every name)       where to
#   DB_USER, DB_PASSWORD                                an entry of userlist.txt; the password or a SCRAM or md5 secret
#   PGBOUNCER_<SETTING>                                 any setting of [pgbouncer], as PGBOUNCER_POOL_MODE=transaction
#
# Variables that Kubernetes makes for a Service of that name (PGBOUNCER_PORT=tcp://..., PGBOUNCER_SERVICE_HOST) are none.
#
# Without DB_HOST nothing is written. PGBOUNCER_CONFIG_DIR is another folder for the two files.
set -eu

folder=${PGBOUNCER_CONFIG_DIR:-/etc/pgbouncer}
ini=$folder/pgbouncer.ini
users=$folder/userlist.txt

# What Kubernetes tells every container of the Services beside it, whatever they are called: NAME_SERVICE_HOST, NAME_PORT=tcp://...
is_of_a_service() {
    case $1 in
        *_SERVICE_HOST | *_SERVICE_PORT | *_SERVICE_PORT_* | *_PORT_[0-9]*_TCP* | *_PORT_[0-9]*_UDP* | *_PORT_[0-9]*_SCTP*) return 0 ;;
    esac
    eval "case \${$1-} in tcp://* | udp://* | sctp://*) return 0 ;; esac"
    return 1
}

# A setting by its variable's value, else by what follows. A value of two lines would begin a setting of its own: refused.
setting() {
    name=PGBOUNCER_$(printf '%s' "$1" | tr '[:lower:]' '[:upper:]')
    value=$2
    is_of_a_service "$name" || eval "value=\${$name-\$2}"
    case $value in
        *'
'*) echo "docker-entrypoint.sh: $name has more than one line" >&2; exit 1 ;;
    esac
    printf '%s = %s\n' "$1" "$value"
}

# Every other variable PGBOUNCER_X as the setting x.
write_settings() {
    for key in $(env | sed -n 's/^PGBOUNCER_\([A-Z0-9_]*\)=.*/\1/p' | tr '[:upper:]' '[:lower:]' | sort -u); do
        case $key in
            config_dir | listen_addr | listen_port | unix_socket_dir | auth_type | auth_file | ignore_startup_parameters) ;;
            *)
                is_of_a_service "PGBOUNCER_$(printf '%s' "$key" | tr '[:lower:]' '[:upper:]')" || setting "$key" ''
                ;;
        esac
    done
}

write_ini() {
    echo '[databases]'
    printf "%s = host='%s' port=%s\n" "${DB_NAME:-*}" "$DB_HOST" "${DB_PORT:-5432}"
    echo '[pgbouncer]'
    setting listen_addr '*'
    setting listen_port 6432
    setting unix_socket_dir /run/pgbouncer
    setting auth_type scram-sha-256
    setting auth_file "$users"
    setting ignore_startup_parameters extra_float_digits,options
    write_settings
}

quoted() { printf '"%s"' "$(printf '%s' "$1" | sed 's/"/""/g')"; }

umask 077
if [ -n "${DB_HOST:-}" ]; then
    if [ ! -e "$ini" ]; then
        write_ini >"$ini.new"
        mv "$ini.new" "$ini"
    fi
    if [ -n "${DB_USER:-}" ] && [ ! -e "$users" ]; then
        { quoted "$DB_USER"; printf ' '; quoted "${DB_PASSWORD:-}"; echo; } >"$users"
    fi
fi
umask 022

# docker run IMAGE -v: options alone are the pooler's.
case ${1:-} in
    '' | -*) set -- pgbouncer "$ini" "$@" ;;
esac
exec "$@"
