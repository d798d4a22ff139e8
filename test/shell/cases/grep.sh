cat > f <<'E'
alpha one
Beta two
gamma three 192.168.9.2
delta alpha
tab	here
foo.bar [x] (y) {z}
veth1@veth2: <UP>
E
grep alpha f; grep -c alpha f; grep -n alpha f; grep -v a f; grep -i beta f; grep -w one f; grep -x 'delta alpha' f; grep -o '[0-9]\+\.[0-9]\+' f; grep -oE '([0-9]{1,3}\.){3}[0-9]{1,3}' f; grep -E 'one|two' f; grep -F '[x]' f; grep '\[x\]' f; grep -q alpha f; echo $?; grep -q nomatch f; echo $?; grep x nofile; echo $?; grep -s x nofile; echo $?
grep -A1 Beta f; grep -B1 Beta f; grep -C1 gamma f; grep -A1 -n alpha f; grep -m1 alpha f; grep -l alpha f /dev/null; grep -L zzz f; grep -h alpha f f; grep -H one f; grep alpha f f; grep -e one -e two f; grep -P '\d+\.\d+' f; grep -oP '(?<=veth)\d' f; grep -oP 'gamma \K\w+' f; grep -c '' f; grep '' /dev/null; echo $?; grep -E '^[a-z]+ [a-z]+$' f; grep '^$' f; echo $?; grep -b alpha f; grep -vc alpha f; grep -io ALPHA f; grep -on a f | head -3
echo abc | grep -o b; echo abc | grep -c z; printf 'a\nb\n' | grep -n b -; grep 'a\|B' f | head -2; grep 'a\{2\}' f; echo aab | grep -o 'a\{2\}'; grep -E 'a{2}|\(y\)' f; grep '[[:digit:]]' f; grep '\bone\b' f; grep '\<al' f; grep 'x*y' f | head -1; grep -E '(' f; echo $?; grep '(' f; grep '[' f; echo $?; grep -z one f | tr '\0' '\n' | head -1; grep; echo $?; grep -Z x f; grep -E 'a|' f | wc -l; grep -- -x f; echo '-x' | grep -- -x; echo '-x' | grep -e -x; grep -f <(echo gamma) f; grep --color=never one f; grep -E '\.' f; egrep 'one|two' f 2>/dev/null; fgrep . f 2>/dev/null; mkdir d; cp f d/g; grep -r gamma d; grep -rl gamma d; grep gamma d; echo $?; grep -rn gamma d --include='*.x'; echo $?; grep -E 'A{,2}b' <<< AAb; seq 20 | grep -A2 -B1 -E '^(5|12)$'; seq 9 | grep -2 5; seq 3 | grep -v 2; grep -w 'a' <<< 'a-b ab'; echo $?; grep -cv x <<< $'x\ny'; rm -r f d
