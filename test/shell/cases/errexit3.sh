set -e; { echo g; false; echo no; } | cat; echo "pipe ok"; x=(1 2); [ ${#x[@]} -eq 2 ]; echo t; (echo s; false; echo no) ; echo notreached
