#!/usr/bin/env bash
# Makes the one base image, debian:bookworm-slim, where no registry is reached: debootstrap, piped into `docker import`.
#
#   docker/base-image.sh            as root; does nothing when the engine already has the image
#   docker/base-image.sh --anew     makes it again
#
# Sources, keys and proxies of apt are those of this system, so that `apt-get install` in a build works as it does here;
# passwords (auth.conf.d) are left out: an image is no place for them. Needs debootstrap and a running engine.
# It starts nothing and pulls nothing; the image it makes stays on this machine.
set -euo pipefail

suite=bookworm
image=debian:$suite-slim

die() {
  printf 'base-image.sh: %s\n' "$*" >&2
  exit 1
}
docker info >/dev/null 2>&1 || die "no engine answers: start dockerd (docker/README.md)"
if [[ ${1:-} != --anew ]] && docker image inspect "$image" >/dev/null 2>&1; then
  printf 'base-image.sh: %s is there already\n' "$image" >&2
  exit 0
fi
((EUID == 0)) || die "must be root: debootstrap makes a root folder"
command -v debootstrap >/dev/null || die "apt-get install debootstrap"

# shellcheck disable=SC2016
mirror=$(apt-get indextargets --format '$(REPO_URI) $(CODENAME)' 'Created-By: Packages' |
  awk -v suite="$suite" '$2 == suite {print $1; exit}')
[[ -n $mirror ]] || die "apt on this system has no source for $suite: pull $image where a registry is reached"

work=$(mktemp -d)
trap 'rm -rf --one-file-system "$work"' EXIT
root=$work/root
debootstrap --variant=minbase "$suite" "$root" "$mirror" >"$work/log" 2>&1 ||
  { tail -n 20 "$work/log" >&2 && die "debootstrap failed"; }

# How this system reaches its packages, and nothing else of it.
rm -f "$root/etc/apt/sources.list"
(
  shopt -s nullglob
  cd /etc/apt
  cp -r --parents sources.list.d/*.{list,sources} sources.lis[t] keyrings/* trusted.gpg.d/* "$root/etc/apt/"
)
apt-config dump | grep '^Acquire::' >"$root/etc/apt/apt.conf.d/99host" || true

# What the official slim image leaves out as well, now and in each later installation.
printf '%s\n' 'path-exclude /usr/share/doc/*' 'path-include /usr/share/doc/*/copyright' 'path-exclude /usr/share/man/*' \
  'path-exclude /usr/share/info/*' 'path-exclude /usr/share/locale/*' 'path-exclude /usr/share/lintian/*' \
  >"$root/etc/dpkg/dpkg.cfg.d/docker"
find "$root/usr/share/doc" -mindepth 2 ! -name copyright ! -type d -delete
rm -rf "$root"/usr/share/{man,info,locale,lintian}/* "$root"/var/lib/apt/lists/* "$root"/var/cache/apt/*.bin \
  "$root"/var/cache/apt/archives/*.deb "$root"/var/log/*.log
# As there, apt keeps neither packages nor its cache of lists: they would stay in the layers of every image.
printf '%s\n' 'Dir::Cache::pkgcache ""; Dir::Cache::srcpkgcache "";' 'Acquire::Languages "none"; Acquire::GzipIndexes "true";' \
  'DPkg::Post-Invoke { "rm -f /var/cache/apt/archives/*.deb /var/cache/apt/archives/partial/*.deb || true"; };' \
  >"$root/etc/apt/apt.conf.d/docker-clean"
# No daemon of a package is started while an image is built.
printf '#!/bin/sh\nexit 101\n' >"$root/usr/sbin/policy-rc.d"
chmod 755 "$root/usr/sbin/policy-rc.d"

tar -C "$root" --numeric-owner -c . | docker import --change 'CMD ["bash"]' - "$image" >/dev/null
printf 'base-image.sh: %s made by debootstrap, %s\n' "$image" \
  "$(docker image inspect --format '{{.Size}}' "$image" | numfmt --to=si --suffix=B)" >&2
