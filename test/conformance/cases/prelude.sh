# Shown before each command: the command; after it, its status if it is not 0.
t() { echo "\$ $*"; "$@"; local s=$?; [ $s = 0 ] || echo "[$s]"; return 0; }
ipv4_only() { sysctl -qw net.ipv6.conf.all.disable_ipv6=1 net.ipv6.conf.default.disable_ipv6=1; }
ns() { local n; for n; do ip netns add "$n"; ip netns exec "$n" sysctl -qw net.ipv6.conf.all.disable_ipv6=1 net.ipv6.conf.default.disable_ipv6=1; ip -n "$n" link set lo up; done; }
nx() { ip netns exec "$@"; }
# pair A B: a veth pair with fixed addresses, in this namespace
pair() { ip link add "$1" address "02:00:00:00:00:${3:-01}" type veth peer name "$2" address "02:00:00:00:00:${4:-02}"; }
# give DEV NS ADDR: move, address, up
give() { ip link set "$1" netns "$2"; ip -n "$2" addr add "$3" dev "$1"; ip -n "$2" link set "$1" up; }
# ok COMMAND: whether it works, in a word
ok() { if "$@" >/dev/null 2>&1; then echo ok; else echo "fails"; fi; }
pinged() { ok ip netns exec "$1" ping -q -c 1 -W 1 "$2"; }
# listening FILE PID: wait until the tcpdump that says so in FILE listens, or has ended
listening() { until grep -qs 'listening on' "$1"; do kill -0 $2 2>/dev/null || return 0; sleep 0.05; done; }
# listen NS DEV FILTER...: frames of the device, until `heard`
listen() { local n=$1 d=$2; shift 2; ip netns exec "$n" tcpdump -lnne -t -i "$d" "$@" > "/tmp/heard.$d" 2> "/tmp/said.$d" & LISTENERS="${LISTENERS:-} $!"; listening "/tmp/said.$d" $!; }
heard() { sleep 0.4; kill $LISTENERS 2>/dev/null; wait $LISTENERS 2>/dev/null; LISTENERS=; local d; for d; do echo "-- $d"; grep . "/tmp/heard.$d" | sed -E 's/id [0-9]+, seq/id N, seq/'; done; return 0; }
ipv4_only
