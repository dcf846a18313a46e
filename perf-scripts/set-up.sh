#!/usr/bin/env bash
# Installs on Debian or Ubuntu what is missing for building, testing and measuring FastPool, by name:
#
#   ./perf-scripts/set-up.sh [dotnet] [aot] [postgresql] [pgbouncer] [strace] [perf] [valgrind] [dist] [console] [tls] [auth] [surroundings] [drivers]
#
# dist, console, tls, auth, surroundings, drivers: what the tests of dist/, of console, metrics and page, of TLS, of logins, of containers,
# and of other languages' drivers look with. Without names: dotnet aot postgresql. Installs with apt-get as root or through
# sudo; otherwise names what is missing and stops. Nothing is touched that is there already: no existing cluster, no running service.
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

# Prints the packages that are missing for one need; nothing when it is met.
missing_for() {
    case $1 in
        dotnet) has_sdk || echo dotnet-sdk-10.0 ;;
        aot)
            have clang || have gcc || echo clang
            compgen -G '/usr/lib*/crt1.o' >/dev/null || compgen -G '/usr/lib/*/crt1.o' >/dev/null || echo libc6-dev
            [ -e /usr/include/zlib.h ] || echo zlib1g-dev
            [ -e /etc/ssl/certs/ca-certificates.crt ] || [ -d /etc/pki/tls/certs ] || echo ca-certificates
            ;;
        postgresql) find_pg_bin || echo postgresql ;;
        pgbouncer) have pgbouncer || [ -x /usr/sbin/pgbouncer ] || echo pgbouncer ;;
        strace) have strace || echo strace ;;
        valgrind) have valgrind || echo valgrind ;;
        perf) have perf || apt_name_of_perf ;;
        dist)
            have mandoc || echo mandoc
            have man || echo man-db
            have systemd-analyze || echo systemd
            have pgbadger || echo pgbadger
            have logrotate || [ -x /usr/sbin/logrotate ] || echo logrotate
            have systemd-nspawn || echo systemd-container
            [ -e /lib/systemd/systemd ] && have systemctl || echo systemd
            have rpmbuild || echo rpm
            have umoci || echo umoci
            have haproxy || [ -x /usr/sbin/haproxy ] || echo haproxy
            have dpkg-deb || echo dpkg
            have lintian || echo lintian
            have python3 && python3 -c 'import yaml' 2>/dev/null || echo python3-yaml
            ;;
        console)
            have check_postgres || echo check-postgres
            have promtool || echo prometheus
            have chromium || have chromium-browser || echo chromium
            ;;
        tls)
            have openssl || echo openssl
            compgen -G '/usr/lib/*/libssl.so.*' >/dev/null || compgen -G '/usr/lib*/libssl.so.*' >/dev/null || echo libssl3
            ;;
        auth)
            have slapd || [ -x /usr/sbin/slapd ] || echo slapd
            compgen -G '/usr/lib/*/libldap*.so.*' >/dev/null || compgen -G '/usr/lib*/libldap*.so.*' >/dev/null || apt_name_of_ldap
            compgen -G '/lib/*/libpam.so.0' >/dev/null || compgen -G '/usr/lib*/libpam.so.0' >/dev/null || echo libpam0g
            /usr/bin/python3 -c 'import psycopg' 2>/dev/null || echo python3-psycopg
            compgen -G '/lib/*/security/pam_exec.so' >/dev/null || compgen -G '/usr/lib*/security/pam_exec.so' >/dev/null || echo libpam-modules
            ;;
        surroundings)
            compgen -G '/usr/lib/*/libnss_wrapper.so' >/dev/null || compgen -G '/usr/lib*/libnss_wrapper.so' >/dev/null || echo libnss-wrapper
            have unshare || echo util-linux
            have pidof || echo sysvinit-utils
            have pkill || echo procps
            ;;
        drivers)
            [ -x /usr/bin/python3 ] || echo python3
            /usr/bin/python3 -c 'import psycopg' 2>/dev/null || echo python3-psycopg
            /usr/bin/python3 -c 'import psycopg2' 2>/dev/null || echo python3-psycopg2
            /usr/bin/python3 -c 'import asyncpg' 2>/dev/null || echo python3-asyncpg
            have node || echo nodejs
            have npm || echo npm
            have javac || echo default-jdk-headless
            [ -e /usr/share/java/postgresql.jar ] || echo libpostgresql-jdbc-java
            ;;
        *) fail "set-up.sh does not know '$1'" ;;
    esac
}

# An SDK that global.json accepts.
has_sdk() { have dotnet && (cd "$root" && dotnet --version >/dev/null 2>&1); }

apt_name_of_ldap() { if apt-cache show libldap2 >/dev/null 2>&1; then echo libldap2; else echo libldap-2.5-0; fi; }

apt_name_of_perf() {
    local package
    for package in linux-perf "linux-tools-$(uname -r)" linux-tools-generic; do
        apt-cache show "$package" >/dev/null 2>&1 && { echo "$package"; return 0; }
    done
    echo linux-perf
}

# Installs packages. Services stay down: a policy file answers "do not start" while the packages are put in place, and
# Debian's PostgreSQL is told to create no cluster. Both files are ours for that time only.
install_packages() {
    local sudo=$1
    shift
    (
        policy=/usr/sbin/policy-rc.d clusters=/etc/postgresql-common/createcluster.conf
        export DEBIAN_FRONTEND=noninteractive
        if [ ! -e $policy ]; then
            trap '$sudo rm -f $policy' EXIT
            printf '#!/bin/sh\nexit 101\n' | $sudo tee $policy >/dev/null
            $sudo chmod 755 $policy
        fi
        run_quietly $sudo apt-get update
        case " $* " in
            *' postgresql '*)
                run_quietly $sudo apt-get install -y --no-install-recommends postgresql-common
                # Restored below, so that a later install by hand behaves as ever.
                $sudo cp $clusters $clusters.fastpool
                echo 'create_main_cluster = false' | $sudo tee -a $clusters >/dev/null
                ;;
        esac
        run_quietly $sudo apt-get install -y --no-install-recommends "$@"
        [ ! -e $clusters.fastpool ] || $sudo mv $clusters.fastpool $clusters
        case " $* " in
            # Installed for its binary only: not at the next boot either.
            *' pgbouncer '*) ! have systemctl || $sudo systemctl disable pgbouncer >/dev/null 2>&1 || true ;;
        esac
    )
}

run_quietly() {
    local log
    log=$(mktemp)
    "$@" </dev/null >"$log" 2>&1 || { tail -n 20 "$log" >&2; rm -f "$log"; fail "failed: $*"; }
    rm -f "$log"
}

# What npm brings for the drivers' tests lies beside them, as the lock file there says.
install_node_packages() {
    local folder=$root/tests/drivers/node
    [ "$folder/node_modules/.package-lock.json" -nt "$folder/package-lock.json" ] && return 0
    step "Set-up: npm ci in tests/drivers/node"
    (cd "$folder" && run_quietly npm ci --ignore-scripts && touch node_modules/.package-lock.json)
}

set_up() {
    install_named "$@" || return
    case " $* " in *' drivers '*) install_node_packages ;; esac
}

install_named() {
    local need packages=() sudo=
    for need in "$@"; do
        # shellcheck disable=SC2207
        packages+=($(missing_for "$need"))
    done
    [ ${#packages[@]} -gt 0 ] || { step "Set-up: everything is there ($*)"; return 0; }
    have apt-get || fail "missing: ${packages[*]} (Debian's names). Install them with your system's package manager."
    if [ "$(id -u)" -ne 0 ]; then
        if have sudo && { sudo -n true 2>/dev/null || { [ -t 0 ] && sudo -v; }; }; then
            sudo='sudo --preserve-env=DEBIAN_FRONTEND'
        else
            fail "missing: ${packages[*]}. Install them as root: apt-get install ${packages[*]}"
        fi
    fi
    step "Set-up: installing ${packages[*]}"
    case " ${packages[*]} " in
        *' dotnet-sdk-10.0 '*)
            # Ubuntu carries the SDK; Debian needs Microsoft's packages or the install script.
            $sudo apt-get update >/dev/null 2>&1 </dev/null || true
            apt-cache show dotnet-sdk-10.0 >/dev/null 2>&1 ||
                fail "the .NET SDK 10 is missing and apt has no package dotnet-sdk-10.0: install it as" \
                    "https://learn.microsoft.com/dotnet/core/install/linux says, with 'dotnet' on the PATH, and run this again"
            ;;
    esac
    install_packages "$sudo" "${packages[@]}"
    for need in "$@"; do
        [ -z "$(missing_for "$need")" ] || fail "still missing after the install: $(missing_for "$need" | tr '\n' ' ')"
    done
}

if [ "${BASH_SOURCE[0]}" = "$0" ]; then
    [ $# -gt 0 ] || set -- dotnet aot postgresql
    set_up "$@"
fi
