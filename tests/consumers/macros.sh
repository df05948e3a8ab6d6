#!/usr/bin/env bash
# macros.sh CXX
# All public headers compile behind system headers and their macros, such as <complex.h> and its I, in the compiler's usual mode.
# X11's, whose macros are words, take part where they are installed; so do macros named min and max, which some programs define.
. "$(dirname "${BASH_SOURCE[0]}")/common.sh"
headers=(complex.h ctype.h errno.h fcntl.h inttypes.h limits.h linux/input.h net/if.h netdb.h netinet/in.h poll.h pthread.h resolv.h
  sched.h signal.h sys/ioctl.h sys/mman.h sys/param.h sys/ptrace.h sys/resource.h sys/select.h sys/socket.h sys/stat.h sys/sysmacros.h
  sys/ttydefaults.h sys/ucontext.h sys/wait.h syslog.h termios.h unistd.h curses.h X11/Xlib.h X11/Xutil.h X11/Xatom.h)

compiles() {  # compiles NAME MODE: the umbrella, then all other headers, behind the lines on standard input
  { cat; echo '#include <tinygan/tinygan.hpp>'; (cd "$root/include" && find tinygan -name '*.hpp' -printf '#include <%p>\n' | LC_ALL=C sort)
    echo 'int main() { return tinygan::Shape{2, 3}.size() == 6 ? 0 : 1; }'; } >"$scratch/$1.cpp"
  "$compiler" -std="$2" "${strict_flags[@]:1}" -fsyntax-only -I "$root/include" "$scratch/$1.cpp" 2>"$scratch/messages" && return
  echo "The headers do not compile behind $1 ($2):"
  grep -m 5 -A 3 'error:' "$scratch/messages"
  exit 1
}

compiler=$1
for header in "${headers[@]}"; do
  printf '#if __has_include(<%s>)\n#include <%s>\n#endif\n' "$header" "$header"
done >"$scratch/headers"
compiles system_headers gnu++20 <"$scratch/headers"
compiles system_headers c++20 <"$scratch/headers"
printf '#define %s\n' 'min(a, b) ((a) < (b) ? (a) : (b))' 'max(a, b) ((a) > (b) ? (a) : (b))' | compiles min_and_max gnu++20
echo "the headers compile behind the macros of ${#headers[@]} system headers"
