echo {a,b,c} x{1,2}y {1..5} {5..1} {a..e} {01..10} {1..10..3} {10..1..4} {a..i..2}
echo {a,b}{1,2} {{a,b},c} a{b,{c,d}e}f {a} {} {a,} {,a} x{,y}z
echo "{a,b}" '{a,b}' \{a,b} {a\,b,c} {"a b",c} $x{1,2}
n=3; echo {1..$n} ; v={a,b}; echo $v; echo {-2..2} {2..-1} {1..3}{a,b}
echo ns{1..3}-veth{0,1} /tmp/{x,y}/{1,2} {a,b}=c
for i in {1..3}; do echo -n "$i "; done; echo; eval echo {1..$n}
echo {x,$(echo sub)} {$HOME,~} ${n}{a,b} {1..3..0} {1.5..2} {a..3} {001..3} {-05..5..5}
printf '<%s>' {a,} {,}; echo
