alias x='echo aliased'
x
shopt -s expand_aliases
alias y='echo on'
y a b
alias z='echo z '
alias w=word
z w
\y 2>/dev/null || echo escaped
unalias y
y 2>/dev/null || echo gone
alias rec='echo rec; true'
rec && echo ok
f() { z in func; }
f
