#!/usr/bin/env bash
# release.sh
# scripts/release, on a clone with a commit of its own: what it makes, that two runs make the same bytes, and what it refuses.
. "$(dirname "${BASH_SOURCE[0]}")/common.sh"
for tool in git python3; do
  command -v $tool >/dev/null || { echo "SKIPPED: no $tool, which scripts/release needs"; exit 77; }
done
git -C "$root" rev-parse --git-dir >/dev/null 2>&1 || { echo "SKIPPED: these sources are not a git checkout"; exit 77; }
version=$(version_of_header)
export GIT_CONFIG_GLOBAL=/dev/null GIT_CONFIG_NOSYSTEM=1
export GIT_AUTHOR_NAME=release GIT_AUTHOR_EMAIL=release@example.org GIT_COMMITTER_NAME=release GIT_COMMITTER_EMAIL=release@example.org

# The files as they are here, committed or not.
clone=$scratch/clone out=$scratch/out
mkdir "$clone"
git -C "$root" ls-files -co --exclude-standard -z | (cd "$root" && while IFS= read -r -d '' file; do
  if [[ -e $file ]]; then printf '%s\0' "$file"; fi
done | tar --null -T - -c) | tar -x -C "$clone"
in_clone() { git -C "$clone" "$@" >>"$scratch/git" 2>&1 || die "git $*: $(tail "$scratch/git")"; }
commit() { in_clone add -A; in_clone commit -q -m "$1"; }
in_clone init -q
commit 'as it is'

refuses() {  # refuses WORDS [FOLDER]: and leaves nothing behind
  local code=0 before after
  before=$(ls -A "$scratch")
  "$clone/scripts/release" "${@:2}" >"$scratch/log" 2>&1 || code=$?
  after=$(ls -A "$scratch")
  [[ $code == 1 ]] && grep -qF -- "$1" "$scratch/log" || die "release ${*:2}: exit code $code, expected '$1', got: $(cat "$scratch/log")"
  [[ $before == "$after" ]] || die "release ${*:2} left something behind: $after"
}
: >"$scratch/log"
refuses 'scripts/release: no FOLDER'
refuses "unknown option '--out'" --out
refuses 'expected one FOLDER, not 2' one two
if ! grep -qE "^## \[?$version\]?( |\$)" "$clone/CHANGELOG.md"; then
  refuses "CHANGELOG.md says nothing of $version: give what is new since the last release the heading '## $version - " "$out"
fi

# A section of this version, with what stands under Unreleased, and one of an earlier version that is not of these notes.
sed -i "s/^## Unreleased\$/## $version - 2026-11-28/" "$clone/CHANGELOG.md"
printf '\n## 0.0.1 - 2026-01-01\n\nAn earlier version.\n' >>"$clone/CHANGELOG.md"
refuses ' M CHANGELOG.md' "$out"
commit 'a release'
touch "$clone/forgotten"
refuses '?? forgotten' "$out"
rm "$clone/forgotten"
mkdir "$scratch/full"
touch "$scratch/full/file"
refuses 'is there and not empty' "$scratch/full"
refuses 'is there and not a folder' "$scratch/full/file"
in_clone tag "v$version" HEAD~
refuses "v$version is the tag of" "$out"
in_clone tag -d "v$version"

release() { "$clone/scripts/release" "$1" >"$scratch/log" 2>&1 || die "release: $(cat "$scratch/log")"; }
release "$out"
grep -qF "git tag -a v$version $(git -C "$clone" rev-parse HEAD)" "$scratch/log" || die "an untagged commit is not mentioned: $(cat "$scratch/log")"
files=(NOTES.md SHA256SUMS "tinygan-$version.tar.gz" tinygan.hpp)
if command -v dpkg-deb >/dev/null; then
  files+=("libtinygan-dev_${version}_all.deb")
else
  echo "no dpkg-deb: the Debian package is not made"
fi
[[ $(ls -A "$out" | sort) == "$(printf '%s\n' "${files[@]}" | sort)" ]] || die "the release has" "$out"/*
(cd "$out" && sha256sum --quiet -c SHA256SUMS) || die "SHA256SUMS"
[[ $(wc -l <"$out/SHA256SUMS") == $((${#files[@]} - 1)) ]] || die "SHA256SUMS: $(cat "$out/SHA256SUMS")"

# The archive holds the commit's files, under one folder.
tar -xzf "$out/tinygan-$version.tar.gz" -C "$scratch"
diff -r --exclude=.git "$clone" "$scratch/tinygan-$version" || die "the archive differs from the commit"
head -n 1 "$out/tinygan.hpp" | grep -qF "tinygan $version as a single header" || die "tinygan.hpp: $(head -n 1 "$out/tinygan.hpp")"
head -n 1 "$out/NOTES.md" | grep -qx "# tinygan $version" || die "NOTES.md: $(head "$out/NOTES.md")"
grep -q '^### ' "$out/NOTES.md" && ! grep -q 'An earlier version' "$out/NOTES.md" || die "NOTES.md: $(cat "$out/NOTES.md")"

# Later, elsewhere, under another umask, from another clone with the tag: the same bytes.
in_clone tag "v$version"
git clone -q "$clone" "$scratch/other" 2>"$scratch/git" || die "git clone: $(cat "$scratch/git")"
clone=$scratch/other
(umask 077 && TZ=Asia/Tokyo && export TZ && release "$scratch/again/release/")
diff -r "$out" "$scratch/again/release" || die "two releases of one commit differ"
! grep -q 'no tag yet' "$scratch/log" || die "the tag went unnoticed"
refuses 'is there and not empty' "$out"
