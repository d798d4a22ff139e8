/**
 * The script that prepares a throwaway machine inside its namespaces and then runs what it is sent.
 * It is plain bash, so that nothing of ours stands between a lab and the machine's own programs; the
 * one exception is tcpdump, which cannot drop to another user in a namespace that has none.
 */

/**
 * @param overlay the lab's folder, which the lab may write to without changing it; undefined for none
 */
export function driverScript(overlay: string | undefined): string {
  const folder = overlay === undefined ? "''" : quote(overlay);
  return `
set +m
umask 022
fail() { printf 'hairpin: %s\\n' "$1" >&2; exit 125; }
here=$PWD
mount --make-rprivate / 2>/dev/null
mount -t tmpfs hairpin /run || fail 'no private /run'
mkdir -p /run/netns /run/hairpin/upper /run/hairpin/work /run/hairpin/bin
mount -t sysfs sysfs /sys 2>/dev/null
folder=${folder}
if [ -n "$folder" ] && [ "$folder" != / ]; then
  mount -t overlay overlay -o "lowerdir=$folder,upperdir=/run/hairpin/upper,workdir=/run/hairpin/work" "$folder" 2>/dev/null ||
    { mount --bind "$folder" "$folder" && mount -o remount,ro,bind "$folder"; } 2>/dev/null || fail "cannot protect $folder"
fi
case $folder in /tmp/*) ;; *) mount -t tmpfs hairpin /tmp || fail 'no private /tmp' ;; esac
cd "$here" || fail "cannot enter $here"
tcpdump=$(command -v tcpdump)
if [ -n "$tcpdump" ]; then
  printf '#!/bin/bash\\nfor word; do case $word in -Z*) exec -a tcpdump %s "$@";; esac; done\\nexec -a tcpdump %s -Z root "$@"\\n' "$tcpdump" "$tcpdump" > /run/hairpin/bin/tcpdump
  chmod 755 /run/hairpin/bin/tcpdump
fi
export PATH=/run/hairpin/bin:$PATH
unset here folder tcpdump
unset -f fail
`;
}

/** The loop that runs commands from descriptor 3 in one lasting shell. */
export const COMMAND_LOOP = `
printf '\\0ready\\0'
while IFS= read -r -d '' -u 3 HAIRPIN_COMMAND; do
  eval "$HAIRPIN_COMMAND" 3<&-
  printf '\\0%s\\0' $?
done
exit 0
`;

/** Runs a script in a bash of its own, which is not the first process: that one would ignore signals. */
export function scriptRunner(path: string, args: readonly string[]): string {
  const words = [path, ...args].map(quote).join(' ');
  return `
bash ${words} 3<&-
exit $?
`;
}

export function quote(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}
