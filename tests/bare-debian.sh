#!/usr/bin/env bash
# Proves that the project builds and passes on a bare Debian: a minimal system in a new folder, this commit (HEAD)
# copied into it, one command run there, as root, by nothing but what `dev` installs.
#
#   tests/bare-debian.sh DIR [COMMAND...]      as root; DIR is new; default command: ./dev test
#   SUITE=trixie tests/bare-debian.sh DIR      Debian 13 (default: this system's suite)
#
# Sources and proxies of apt are those of this system. Needs debootstrap. DIR stays: `rm -r --one-file-system DIR`.
set -euo pipefail

die() {
  printf 'bare-debian.sh: %s\n' "$*" >&2
  exit 1
}
(($# >= 1)) || die "usage: tests/bare-debian.sh DIR [COMMAND...]"
((EUID == 0)) || die "must be root: it makes a root folder and enters it"
command -v debootstrap >/dev/null || die "apt-get install debootstrap"
[[ ! -e $1 ]] || die "$1 exists; name a new folder"

mkdir -p "$1"
root=$(readlink -f "$1")
shift
command=("${@:-./dev}")
(($# > 0)) || command+=(test)
cd "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")/.."
# shellcheck source=/dev/null
host_suite=$(. /etc/os-release && printf '%s' "$VERSION_CODENAME")
suite=${SUITE:-$host_suite}
# shellcheck disable=SC2016
mirror=$(apt-get indextargets --format '$(REPO_URI) $(CODENAME)' 'Created-By: Packages' |
  awk -v suite="$host_suite" '$2 == suite {print $1; exit}')
[[ -n $mirror ]] || die "apt on this system has no source for $host_suite (run apt-get update)"
lap() {
  printf 'bare-debian.sh: %s: %d s\n' "$1" $((SECONDS - lap_start)) >&2
  lap_start=$SECONDS
}
lap_start=$SECONDS

debootstrap --variant=minbase "$suite" "$root" "$mirror" >"$root.log" 2>&1 ||
  { tail -n 20 "$root.log" >&2 && die "debootstrap failed (log: $root.log)"; }
rm "$root.log"
lap "debootstrap $suite"

# How this system reaches its packages, and nothing else of it.
rm -f "$root/etc/apt/sources.list"
for part in sources.list sources.list.d auth.conf.d keyrings trusted.gpg.d; do
  if [[ -e /etc/apt/$part ]]; then cp -r "/etc/apt/$part" "$root/etc/apt/"; fi
done
find "$root/etc/apt" \( -name '*.list' -o -name '*.sources' \) -exec sed -i "s/\b$host_suite\b/$suite/g" {} +
apt-config dump | grep '^Acquire::' >"$root/etc/apt/apt.conf.d/99host" || true
cp -L /etc/resolv.conf /etc/hosts "$root/etc/"

mkdir "$root/src"
git archive HEAD | tar -x -C "$root/src"

# Own mounts and own process ids: both end with the command, whatever it leaves behind.
status=0
# shellcheck disable=SC2016
env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root TERM=dumb ${http_proxy:+http_proxy="$http_proxy"} \
  unshare --mount --pid --fork sh -c '
    mount --bind "$0" "$0" && mount -t proc proc "$0/proc" && mount -t sysfs sysfs "$0/sys" && mount --rbind /dev "$0/dev" && mount -t tmpfs tmpfs "$0/run" &&
    exec chroot "$0" sh -c "cd /src && exec \"\$@\"" sh "$@"' "$root" "${command[@]}" || status=$?
lap "${command[*]} (status $status)"
exit "$status"
