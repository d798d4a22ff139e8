#!/bin/bash
# Records what the real bash prints for each case: cases/NAME.sh -> cases/NAME.out (standard output and
# error together, then the status). Run it where bash is 5.2.15, coreutils 9.1, grep 3.8, sed 4.9 and mawk
# 1.3.4 20200120 (Debian 12); with names as arguments it records only those.
cd "$(dirname "$0")/cases" || exit 1
names=("$@")
[ ${#names[@]} -gt 0 ] || names=(*.sh)
for name in "${names[@]}"; do
  name=${name%.sh}
  dir=$(mktemp -d)
  cp "$name.sh" "$dir/x.sh"
  (
    cd "$dir" || exit 1
    env -i PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LANG=C.UTF-8 TERM=dumb \
      timeout 60 bash x.sh </dev/null 2>&1
    echo "status $?"
  ) > "$name.out"
  rm -rf "$dir"
done
