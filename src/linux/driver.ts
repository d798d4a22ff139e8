/**
 * The scripts that prepare a throwaway machine inside its namespaces and then run a lab there. They are
 * plain bash, so that nothing of ours stands between a lab and the machine's own programs; the one
 * exception is tcpdump, which cannot drop to another user in a namespace that has none.
 */

export interface Driver {
  /** Where the lab begins: the lab's folder, which it may write to without changing it. */
  folder: string;
  /** Bytes that the lab may write. */
  bytes?: number;
}

/** Memory that the files of a lab may take. */
export const DEFAULT_BYTES: number = 512 * 1024 * 1024;

/**
 * What is written goes to a memory file system laid over every other one, so that neither the lab nor
 * its end, however it comes, can change anything on the machine. `$lab` is its root until it becomes `/`.
 */
export function driverScript({ folder, bytes = DEFAULT_BYTES }: Driver): string {
  return `
set +m
umask 022
fail() { printf 'hairpin: %s\\n' "$1" >&2; exit 125; }
folder=${quote(folder)}
case $folder in /run/*) base=/tmp ;; *) base=/run ;; esac
[ "$folder" = / ] || exec {keep}< "$folder" || fail "cannot enter $folder"
mount -t tmpfs -o size=${bytes},mode=755 hairpin $base || fail 'no memory file system'
lab=$base/lab
mkdir $base/layer $base/run $base/tmp $lab
layers=0
lay() {
  case $1 in *[:,\\\\]*) return 1 ;; esac
  layers=$((layers + 1))
  mkdir -p $base/layer/$layers/upper $base/layer/$layers/work
  local where="lowerdir=$1,upperdir=$base/layer/$layers/upper,workdir=$base/layer/$layers/work"
  mount -t overlay -o "$where,userxattr" hairpin "$2" 2>/dev/null || mount -t overlay -o "$where" hairpin "$2" 2>/dev/null
}
read_only() { mount -o "remount,bind,ro$(sed -n "s#^[^ ]* [^ ]* [^ ]* [^ ]* $1 \\([^ ]*\\) .*#,\\1#p" /proc/self/mountinfo | tail -n 1 | grep -oE ',(nosuid|nodev|noexec)' | tr -d '\\n')" "$1"; }
protect() { lay "$1" "$lab$1" || { mount --rbind "$1" "$lab$1" && read_only "$lab$1"; } 2>/dev/null; }
if ! lay / $lab; then
  mount --bind $lab $lab
  for path in /*; do
    if [ -h $path ]; then cp -P $path $lab; continue; fi
    [ -d "$path" ] || continue
    mkdir $lab$path
    case $path in /proc | /sys | /dev | /run | /tmp | /lost+found) continue ;; esac
    [ -r "$path" ] || continue
    protect "$path" || fail "cannot protect $path"
  done
fi
for path in proc sys dev; do mount --rbind /$path $lab/$path || fail "no /$path"; done
mount -t sysfs sysfs $lab/sys 2>/dev/null
chmod 1777 $base/tmp
mount --bind $base/run $lab/run && mount --bind $base/tmp $lab/tmp || fail 'no private /run and /tmp'
while read -r _ _ _ _ path _; do
  printf -v path %b "$path"
  case $path in / | /proc | /proc/* | /sys | /sys/* | /dev | /dev/* | /run | /run/* | /tmp | /tmp/*) continue ;; esac
  if [ -d "$path" ] && [ -d "$lab$path" ] && [ -r "$path" ]; then protect "$path" || fail "cannot protect $path"
  elif [ -f "$path" ]; then cp "$path" "$lab$path" 2>/dev/null; fi
done < /proc/self/mountinfo
if [ -n "$keep" ]; then
  case $folder in
    /run) ;;
    /tmp | /tmp/* | /run/*) mkdir -p "$lab$folder" && lay "/proc/self/fd/$keep" "$lab$folder" || fail "cannot protect $folder" ;;
  esac
  exec {keep}<&-
fi
mkdir -p $lab/run/netns $lab/run/lock $lab/run/hairpin
tcpdump=$(command -v tcpdump)
if [ -n "$tcpdump" ]; then
  # Groups cannot be set in a user namespace of one user: the call becomes strnlen(user, 0), which is 0.
  if grep -q deny /proc/self/setgroups; then
    LC_ALL=C sed 's/\\x00initgroups\\x00/\\x00strnlen\\x00\\x00\\x00\\x00/' "$tcpdump" > $lab/run/hairpin/.tcpdump
    chmod 755 $lab/run/hairpin/.tcpdump
    tcpdump=/run/hairpin/.tcpdump
  fi
  printf '#!/bin/bash\\nuser="-Z root"\\nfor word; do case $word in -Z*) user= ;; esac; done\\nexec -a tcpdump %s $user "$@"\\n' "$tcpdump" > $lab/run/hairpin/tcpdump
  chmod 755 $lab/run/hairpin/tcpdump
fi
cd $lab && pivot_root . . && umount -l . || fail 'the private file systems cannot be entered'
cd "$folder" || fail "cannot enter $folder"
export PATH=/run/hairpin:$PATH HOME=/root LC_ALL=C.UTF-8
export -n OLDPWD
unset folder base lab layers path tcpdump keep
unset -f fail lay protect
`;
}

/**
 * The loop that runs commands from descriptor 60 in one lasting shell; 61 takes the marks between them.
 * It is one line long, so that lines of a command are counted from 1.
 */
export const COMMAND_LOOP: string = [
  '__hairpin() { return $1; }',
  'HAIRPIN_STATUS=0',
  "printf '\\0ready\\0' >&61",
  "while IFS= read -r -d '' -u 60 HAIRPIN_COMMAND",
  'do __hairpin $HAIRPIN_STATUS',
  'eval "$HAIRPIN_COMMAND" 60<&- 61>&- </dev/null',
  'HAIRPIN_STATUS=$?',
  "printf '\\0%s\\0' $HAIRPIN_STATUS >&61",
  'done',
].join('; ');

/**
 * Runs the command loop: at a terminal where there is a program that makes one, so that programs write
 * line by line and both streams come in order.
 */
export function commandLoop(columns: number): string {
  const loop = `exec 61>&1; stty -echo -opost cols ${columns} rows 24 2>/dev/null; ${COMMAND_LOOP}`;
  return `
exec 60<&3 3<&- ${TABLES_DESCRIPTOR}>&- 2>&1
export HAIRPIN_LOOP=${quote(`unset HAIRPIN_LOOP; ${loop}`)} SHELL=/bin/bash
if command -v script >/dev/null; then
  script -qec 'exec bash -c "$HAIRPIN_LOOP" bash' /dev/null
else
  bash -c "$HAIRPIN_LOOP" bash
fi
exit 0
`;
}

/** Where the tables at the end of a script are written. */
export const TABLES_DESCRIPTOR = 4;

/**
 * Runs a script in a bash of its own, which is not the first process: that one would ignore signals. `tables`
 * is a script that runs after it; what it prints comes behind two lines, when the lab began and ended.
 */
export function scriptRunner(words: readonly string[], tables = ''): string {
  const run = `bash ${words.map(quote).join(' ')} 3<&- ${TABLES_DESCRIPTOR}>&-`;
  if (tables === '') return `\n${run}\nexit $?\n`;
  return `
echo $EPOCHREALTIME >&${TABLES_DESCRIPTOR}
${run}
status=$?
echo $EPOCHREALTIME >&${TABLES_DESCRIPTOR}
bash -c ${quote(tables)} < /dev/null >&${TABLES_DESCRIPTOR} 2>/dev/null
exit $status
`;
}

/**
 * The lab in a PID namespace below that of the driver, where an observer goes on: the lab does not see it
 * among its processes. `observer` is run as a command, with its redirections, and told of the lab's end by SIGUSR1.
 */
export function observed(body: string, observer: string): string {
  return `
${observer} < /dev/null > /dev/null 2>&1 &
observer=$!
exec 5<&- 6>&-
unshare --pid --fork --kill-child=KILL bash -c ${quote(`${OWN_PROC}\n${body}`)} bash
status=$?
kill -USR1 $observer
wait $observer
exit $status
`;
}

/** Shows the processes of a fresh PID namespace. */
export const OWN_PROC = 'mount -t proc proc /proc';

export function quote(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}
