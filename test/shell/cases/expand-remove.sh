p=/usr/local/lib/libfoo.so.1.2
echo ${p#*/} ${p##*/} ${p%/*} ${p%%/*} ${p%.*} ${p%%.*} ${p#/usr} ${p%.so*}
f=archive.tar.gz; echo ${f%.gz} ${f%%.*} ${f#*.} ${f##*.}
s='***a*b'; echo "${s#\*}" "${s##\*}" "${s#"**"}" "${s%b}"
v=aXbXc; pat='X*'; echo ${v%$pat} ${v%%$pat} ${v#*$pat} "${v%"$pat"}"
a=(one.txt two.txt three.md); echo ${a[@]%.txt} ${a[*]##*.}
set -- x1 x2 x3; echo ${@#x} "${*#x}"
echo ${v#[a-z]} ${v%[!a-z]c} ${v##*[X]}
shopt -s extglob; t=foofoobar; echo ${t##+(foo)} ${t#+(foo)} ${t%%+([a-z])} ${t/@(foo|bar)/X} ${t//@(foo|bar)/X}
n="  trim me  "; n="${n#"${n%%[![:space:]]*}"}"; n="${n%"${n##*[![:space:]]}"}"; echo "[$n]"
i=ns1; echo ${i//[!0-9]/} ${i//[0-9]/} ${i^^} ${i^} ${i@U}
