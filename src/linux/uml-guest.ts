/**
 * The scripts that run inside User-Mode Linux. One boot serves many labs: the first process takes
 * requests over a terminal line of its own and gives each lab fresh namespaces and file systems.
 */
import { COMMAND_LOOP, OWN_PROC, quote } from './driver.ts';
import { OBSERVER } from './observer.ts';

export const MODULES = '/usr/lib/uml/modules';

/** Labs at once in one kernel. It has one processor: more of them would only make each other late. */
export const PLACES: number = 4;
/** The mark of a lab that has ended by itself. */
export const GONE = 'gone';

/**
 * Terminal lines of a place: standard output, commands, marks between them, standard error, what the
 * observer of its frames is asked, and what it answers.
 */
export const LINES_PER_PLACE = 6;
/** Those of them that take what the host writes. */
export const INPUT_LINES: readonly number[] = [1, 4];

/**
 * Loaded before the first lab: a module that one lab brings in must not be news to the next. They are
 * what other kernels have built in, and what labs ask for.
 */
const PRELOADED: readonly string[] = [
  ...['overlay', 'ipv6', 'veth', 'bridge', 'br_netfilter', '8021q', 'macvlan', 'macvtap', 'ipvlan', 'dummy'],
  ...['vrf', 'ifb', 'tun', 'nf_conntrack', 'nf_nat', 'ip_tables', 'iptable_filter', 'iptable_nat'],
  ...['iptable_mangle', 'iptable_raw', 'ipt_REJECT', 'xt_tcpudp', 'xt_nat', 'xt_MASQUERADE', 'xt_REDIRECT'],
  ...['xt_NETMAP', 'xt_LOG', 'xt_conntrack', 'xt_state', 'xt_mark', 'xt_connmark', 'xt_comment', 'xt_physdev'],
  ...['xt_addrtype', 'xt_multiport', 'xt_limit', 'xt_mac', 'xt_pkttype', 'xt_HL', 'xt_hl', 'xt_DSCP', 'xt_dscp'],
  ...['xt_iprange', 'xt_length', 'xt_statistic', 'xt_TCPMSS', 'xt_CT', 'nf_log_syslog', 'sch_netem'],
];

/** Programs that reach nf_tables where the kernel has only the tables of iptables. */
const LEGACY = 'iptables iptables-save iptables-restore ip6tables ip6tables-save ip6tables-restore';

/**
 * What the host prepares in the folder `/run` that the kernel sees: programs that stand in front of the
 * machine's own, and the guest's scripts, given in the environment.
 */
export const PREPARE: string = `
mkdir -p /run/uml /run/hairpin/modules/lib
ln -s ${MODULES} /run/hairpin/modules/lib/modules
printf '#!/bin/sh\\nexec /sbin/modprobe -d /run/hairpin/modules "$@"\\n' > /run/hairpin/modprobe
tcpdump=$(PATH=$PATH:/usr/sbin:/sbin command -v tcpdump) &&
  printf '#!/bin/bash\\nuser="-Z root"\\nfor word; do case $word in -Z*) user= ;; esac; done\\nexec -a tcpdump %s $user "$@"\\n' "$tcpdump" > /run/hairpin/tcpdump
for name in ${LEGACY}; do
  legacy=$(PATH=$PATH:/usr/sbin:/sbin command -v \${name/tables/tables-legacy}) && ln -s "$legacy" /run/hairpin/$name
done
printf '%s' "$HAIRPIN_INIT" > /run/uml/init
printf '%s' "$HAIRPIN_LAB" > /run/uml/lab
chmod 755 /run/uml/init /run/hairpin/*
`;

/** The first process: prepares the machine, then does what is asked over its line, until it is killed. */
export const INIT_SCRIPT: string = `#!/bin/bash
# Seen from a user namespace, set-user-ID programs belong to somebody else than root: no such changes.
# The clock belongs to all labs.
[ "$1" = again ] || exec setpriv --no-new-privs --bounding-set -sys_time,-sys_boot bash "$0" again
shift
export PATH=/usr/sbin:/usr/bin:/sbin:/bin TERM=dumb HOME=/root LC_ALL=C.UTF-8
mount -t proc proc /proc
mount -t sysfs sysfs /sys
# The host's device files belong to the host's root, and hostfs asks the host.
mount -t devtmpfs devtmpfs /dev
mkdir -p /dev/shm /dev/pts /dev/hairpin
ln -s /proc/self/fd /dev/fd
ln -s /proc/self/fd/0 /dev/stdin
ln -s /proc/self/fd/1 /dev/stdout
ln -s /proc/self/fd/2 /dev/stderr
stty raw -echo < /dev/tty1
stty raw -echo < /dev/tty2
exec 60</dev/tty1 61>/dev/tty2 </dev/null >/dev/null 2>&1
modprobe -d /run/hairpin/modules -ab ${PRELOADED.join(' ')}
echo /run/hairpin/modprobe > /proc/sys/kernel/modprobe
# Tunnels would show in every namespace once their module is there.
echo 1 > /proc/sys/net/core/fb_tunnels_only_for_init_net

declare -A settings modules
labs=() outputs=() errors=() ready=()
mapfile -t files < <(find /proc/sys/kernel /proc/sys/vm /proc/sys/fs /proc/sys/dev -type f -perm -600 ! -path '*/random/*' ! -name ns_last_pid)
for file in "\${files[@]}"; do read -rd '' 'settings[$file]' < "$file"; done
while read -r name _; do modules[$name]=1; done < /proc/modules

lab() { # place, bytes, columns or nothing without a terminal, folder, whether frames are observed, NAME=VALUE ...
  local place=$1 bytes=$2 columns=$3 folder=$4 observed=$5 out err
  shift 5
  local line=$((place * ${LINES_PER_PLACE}))
  if [ -z "\${ready[place]}" ]; then
    for n in 0 1 2 3 4 5; do stty raw -echo < /dev/ttyS$((line + n)); done
    # The lines stay open between labs.
    sleep infinity <>/dev/ttyS$line 3<>/dev/ttyS$((line + 1)) 4<>/dev/ttyS$((line + 2)) 5<>/dev/ttyS$((line + 3)) 6<>/dev/ttyS$((line + 4)) 7<>/dev/ttyS$((line + 5)) 60<&- 61>&- &
    ready[place]=1
  fi
  if [ -n "$columns" ]; then
    stty cols "$columns" rows 24 < /dev/ttyS$line
    outputs[place]= errors[place]=
    exec {out}>/dev/ttyS$line
    exec {err}>&$out
  else
    exec {out}> >(exec cat >/dev/ttyS$line 60<&- 61>&-)
    outputs[place]=$!
    exec {err}> >(exec cat >/dev/ttyS$((line + 3)) {out}>&- 60<&- 61>&-)
    errors[place]=$!
  fi
  # What unshare has to say of its own is not the lab's.
  unshare --net --mount --pid --uts --ipc --fork --kill-child=KILL bash /run/uml/lab "$folder" "$bytes" "$observed" "$@" \\
    >&$out 62>&$err {out}>&- {err}>&- 60</dev/ttyS$((line + 1)) 61>/dev/ttyS$((line + 2)) \\
    63</dev/ttyS$((line + 4)) 64>/dev/ttyS$((line + 5)) &
  labs[place]=$!
  exec {out}>&- {err}>&-
}

stop() { # place, the mark that ends its output
  local place=$1 mark=$2 pid=\${labs[$1]} first=
  local line=$((place * ${LINES_PER_PLACE}))
  # The first process of the namespace takes all others with it, and is waited for by its parent.
  read -r first < /proc/$pid/task/$pid/children
  kill -9 \${first:-$pid}
  wait $pid \${outputs[place]} \${errors[place]}
  # A command that came too late is not for the next lab.
  for n in 1 4; do
    while read -rt 0 < /dev/ttyS$((line + n)); do read -rd '' -t 1 < /dev/ttyS$((line + n)); done
  done
  printf %s "$mark" > /dev/ttyS$line
  printf %s "$mark" > /dev/ttyS$((line + 3))
  unset 'labs[place]'
  tidy
  printf '\\0%s\\0' "stopped $place $?" >&61
}

# Undoes what a lab did to the whole machine; fails when it cannot.
tidy() {
  local file now name extra= failed=0
  for file in "\${files[@]}"; do
    read -rd '' now < "$file"
    [ "$now" = "\${settings[$file]}" ] && continue
    printf %s "\${settings[$file]}" > "$file"
    read -rd '' now < "$file"
    [ "$now" = "\${settings[$file]}" ] || failed=1
  done
  local -A seen=()
  while read -r name _; do
    seen[$name]=1
    [ -n "\${modules[$name]}" ] || extra+=" $name"
  done < /proc/modules
  if [ -n "$extra" ]; then /run/hairpin/modprobe -ra $extra; fi
  for name in $extra; do [ ! -d /sys/module/$name ] || failed=1; done
  for name in "\${!modules[@]}"; do [ -n "\${seen[$name]}" ] || /run/hairpin/modprobe "$name" || failed=1; done
  [ \${#labs[@]} -gt 0 ] || dmesg -C
  return $failed
}

printf '\\0ready\\0' >&61
while IFS= read -r -d '' -u 60 request; do eval "$request"; done
`;

/**
 * The first process of a lab's namespaces. What the lab writes goes to a memory file system laid over
 * the host's files, and so do files in `/dev`.
 */
export const LAB_SCRIPT: string = `
trap 'printf "\\0${GONE}\\0" >&61' EXIT
exec 2>&62 62>&-
folder=$1 bytes=$2 observed=$3
shift 3
umask 022
fail() { printf 'hairpin: %s\\n' "$1" >&2; exit 125; }
base=/dev/hairpin
lab=$base/lab
mount -t tmpfs -o size=$bytes,mode=755 hairpin $base || fail 'no memory file system'
mkdir -p $base/{upper,work,device/upper,device/work,folder/upper,folder/work,run/netns,run/lock,run/hairpin,tmp,lab}
chmod 1777 $base/tmp
printf '%s\\n' "hairpin $lab overlay lowerdir=/,upperdir=$base/upper,workdir=$base/work" \\
  "proc $lab/proc proc defaults" "sysfs $lab/sys sysfs defaults" \\
  "hairpin $lab/dev overlay lowerdir=/dev,upperdir=$base/device/upper,workdir=$base/device/work" \\
  "shm $lab/dev/shm tmpfs mode=1777,size=$bytes" "devpts $lab/dev/pts devpts newinstance,ptmxmode=0666" \\
  "$base/run $lab/run none bind" "/run/hairpin $lab/run/hairpin none bind" "$base/tmp $lab/tmp none bind" > $base/fstab
mount -aT $base/fstab || fail 'no private file systems'
case $folder in
  /tmp | /tmp/*)
    mkdir -p "$lab$folder"
    mount -t overlay -o "lowerdir=$folder,upperdir=$base/folder/upper,workdir=$base/folder/work" hairpin "$lab$folder" || fail "cannot protect $folder" ;;
esac
cd $lab && pivot_root . . && umount -l . || fail 'the private file systems cannot be entered'
cd "$folder" || fail "cannot enter $folder"
export -- PATH=/run/hairpin:$PATH "$@"
export -n OLDPWD
export -n observed
unset folder bytes base lab
unset -f fail
if [ -z "$observed" ]; then exec 63<&- 64>&-; setsid bash -c ${quote(COMMAND_LOOP)} bash
else
  bash -c ${quote(OBSERVER)} bash 62<&63 63>&64 64>&- 60<&- 61>&- </dev/null >/dev/null 2>&1 &
  exec 63<&- 64>&-
  unshare --pid --fork --kill-child=KILL bash -c ${quote(`${OWN_PROC}
exec setsid bash -c ${quote(COMMAND_LOOP)} bash`)}
fi
`;
