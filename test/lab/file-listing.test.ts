/** ls and stat of coreutils 9.1, and the links of /sys/class/net on Linux 6.18 (dates and sizes of folders masked). */
import { expect, it } from 'vitest';
import { Twin } from '../../src/lab/twin.ts';

async function output(script: string): Promise<string> {
  const twin = new Twin();
  const { stdout, stderr } = await twin.run(script);
  await twin.close();
  return stdout + stderr;
}

const MASK = `sed -E 's/[A-Z][a-z]{2} +[0-9]+ [0-9:]{5}/DATE/; s/root +[0-9]+ D/root S D/'`;

it('files, folders and links are listed as GNU ls lists them', async () => {
  const script = `cd /tmp; mkdir u; cd u; echo a > b; mkdir -p d/e; ln -s b l; ln -s d dl; touch .h 'a b'; chmod 755 b
ls -aF; ls -C; ls b d dl; ls -l | ${MASK} | tail -4; ls -lF l dl | ${MASK}; ls -R d; ls -d dl/ nofile 2>&1; echo $?
stat -c '%n %s %F %a %A %U %h' b l; stat -L -c '%F %N' l; stat nofile 2>&1`;
  expect(await output(script)).toBe(`./
../
.h
a b
b*
d/
dl@
l@
a b  b	d  dl  l
b

d:
e

dl:
e
-rwxr-xr-x 1 root root S DATE b
drwxr-xr-x 3 root root S DATE d
lrwxrwxrwx 1 root root S DATE dl -> d
lrwxrwxrwx 1 root root S DATE l -> b
lrwxrwxrwx 1 root root S DATE dl -> d/
lrwxrwxrwx 1 root root S DATE l -> b*
d:
e

d/e:
ls: cannot access 'nofile': No such file or directory
dl/
2
b 2 regular file 755 -rwxr-xr-x root 1
l 1 symbolic link 777 lrwxrwxrwx root 1
regular file 'l'
stat: cannot statx 'nofile': No such file or directory
`);
});

it('links of /sys/class/net are relative and can be followed', async () => {
  const script = `ip link add v0 type veth peer name v1; ip link add br0 type bridge; ip link set v0 master br0; cd /sys/class/net
ls -l | ${MASK}; readlink v0/master br0/brif/v0 v0/brport/bridge br0/lower_v0 v0/subsystem; readlink -f v0/master
cat br0/brif/v0/state v0/master/ifindex v0/brport/bridge/mtu; stat -c %s v0/mtu`;
  expect(await output(script)).toBe(`total 0
lrwxrwxrwx 1 root root S DATE br0 -> ../../devices/virtual/net/br0
lrwxrwxrwx 1 root root S DATE lo -> ../../devices/virtual/net/lo
lrwxrwxrwx 1 root root S DATE v0 -> ../../devices/virtual/net/v0
lrwxrwxrwx 1 root root S DATE v1 -> ../../devices/virtual/net/v1
../br0
../../v0/brport
../../br0
../v0
../../../../class/net
/sys/devices/virtual/net/br0
0
4
1500
4096
`);
});
