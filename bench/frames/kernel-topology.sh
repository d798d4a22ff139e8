# Builds a topology of real devices in the present, throwaway namespaces and sends frames into it: the same
# devices and link addresses as twin-topologies.mjs. Run by runners.mjs under unshare.
#
#   kernel-topology.sh PROGRAM TOPOLOGY COUNT CAPTURE SIZE FRAME REPLY
#
# FRAME and REPLY are how frames begin, in hexadecimal: one is sent again and again, the other once by the
# receiver, to teach a bridge where it is.
set -euo pipefail
program=$1 topology=$2 count=$3 capture=$4 size=$5 frame=$6 reply=$7

mount -t tmpfs none /run
mkdir /run/netns

quiet() { # in the present namespace: IPv6 would send frames of its own
  for which in all default; do echo 1 > /proc/sys/net/ipv6/conf/$which/disable_ipv6; done 2>/dev/null || true
}
mac() { printf '02:00:00:00:%02x:%02x' $(($1 >> 8)) $(($1 & 255)); }
bridge_of() { # COUNT: veth pairs eN - pN, every pN a port of br0
  ip link add br0 type bridge
  ip link set br0 up
  for ((n = 1; n <= $1; n++)); do
    echo "link add e$n address $(mac $n) type veth peer name p$n"
    echo "link set p$n master br0 up"
    echo "link set e$n up"
  done | ip -batch -
}
macvlans() { # COUNT MODE: a veth p0 - p1 and macvlans mN on p0
  ip link add p0 type veth peer name p1
  ip link set p0 up
  ip link set p1 up
  for ((n = 1; n <= $1; n++)); do
    echo "link add m$n link p0 address $(mac $n) type macvlan mode $2"
    echo "link set m$n up"
  done | ip -batch -
}
link() { ip -n "$1" link add "$2" type veth peer name "$4" netns "$3"; }
up() { ip -n "$1" link set "$2" up; }
routers() {
  for name in client r1 r2 r3 server; do ip netns add $name; done
  ip -n r1 link add br0 type bridge
  link client eth0 r1 port1
  ip -n r1 link set port1 master br0
  link r1 eth1 r2 eth0
  link r2 eth1 r3 eth0
  link r3 eth1 server eth0
  for at in client:eth0 r1:br0 r1:port1 r1:eth1 r2:eth0 r2:eth1 r3:eth0 r3:eth1 server:eth0; do up ${at%:*} ${at#*:}; done
  ip -n client address add 10.0.0.2/24 dev eth0
  ip -n r1 address add 10.0.0.1/24 dev br0
  ip -n r1 address add 10.0.1.1/24 dev eth1
  ip -n r2 address add 10.0.1.2/24 dev eth0
  ip -n r2 address add 10.0.2.1/24 dev eth1
  ip -n r3 address add 10.0.2.2/24 dev eth0
  ip -n r3 address add 10.0.3.1/24 dev eth1
  ip -n server address add 10.0.3.2/24 dev eth0
  for name in r1 r2 r3; do ip netns exec $name bash -c 'echo 1 > /proc/sys/net/ipv4/ip_forward'; done
  ip -n client route add default via 10.0.0.1
  ip -n r1 route add default via 10.0.1.2
  ip -n r2 route add default via 10.0.2.2
  ip -n r3 route add 10.0.1.0/24 via 10.0.2.1
  ip -n server route add default via 10.0.3.1
  ip netns exec r1 iptables -t nat -A POSTROUTING -o eth1 -j MASQUERADE
}
hosts() { # COUNT: namespaces hN, each with eth0 on br0
  ip link add br0 type bridge
  ip link set br0 up
  for ((n = 1; n <= $1; n++)); do
    echo "netns add h$n"
    echo "link add p$n type veth peer name eth0 address $(mac $n) netns h$n"
    echo "link set p$n master br0 up"
  done | ip -batch -
  for ((n = 1; n <= $1; n++)); do
    printf 'address add 10.0.%d.%d/16 dev eth0\nlink set eth0 up\n' $((n >> 8)) $((n & 255)) | ip -n h$n -batch -
  done
}
teach() { # SENDER SINK
  echo 0.0001 | "$program" raw "$size" "$1" "$2" 1 "$reply" 0 > /dev/null
}

quiet
case $topology in
  A) macvlans 2 bridge; sleep 3; exec "$program" raw "$size" m1 m2 1 "$frame" "$capture" - ;;
  B)
    ip link add br0 type bridge
    macvlans 2 vepa
    ip link set p1 master br0
    bridge link set dev p1 hairpin on
    ip link set br0 up
    sleep 3
    teach m2 m1
    exec "$program" raw "$size" m1 m2 1 "$frame" "$capture" -
    ;;
  C) bridge_of 2; sleep 3; teach e2 e1; exec "$program" raw "$size" e1 e2 1 "$frame" "$capture" - ;;
  D) routers; sleep 3; exec "$program" udp "$size" client server 10.0.3.2 9 "$capture" client r1 r2 r3 server ;;
  ports)
    bridge_of "$count"
    sleep 3 # a port that does not yet forward takes no dynamic entry
    for ((n = 2; n <= count; n++)); do echo "fdb add $(mac $n) dev p$n master dynamic"; done | bridge -batch -
    exec "$program" raw "$size" e1 'e*' $((count - 1)) "$frame" "$capture" -
    ;;
  flood) bridge_of "$count"; sleep 3; exec "$program" raw "$size" e1 'e*' 1 "$frame" "$capture" - ;;
  macvlans) macvlans "$count" bridge; sleep 3; exec "$program" raw "$size" p1 'm*' "$count" "$frame" "$capture" - ;;
  siblings) macvlans "$count" bridge; sleep 3; exec "$program" raw "$size" m1 'm*' 1 "$frame" "$capture" - ;;
  arp) hosts "$count"; sleep 3; exec ip netns exec h2 "$program" raw "$size" eth0 eth0 1 "$frame" "$capture" - ;;
  *) echo "no topology $topology" >&2; exit 2 ;;
esac
