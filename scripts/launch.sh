# Sourced by the launchers at the root of the clone: sees that the clone is set up, and becomes Node with one of the programs in dist/.
#
# Given: `here`, the clone's directory; `program`, the file in dist/; `failed`, the status where the set-up fails; perhaps `flags` of
# Node's, and `start`, the script that runs the program. All of it is shell builtins and
# one exec, so that a launcher starts no process.

case $here in /*) ;; *) here=$PWD/$here ;; esac

# The commit that is checked out, read as git stores it (gitrepository-layout(5)); a tree without git stays "unversioned".
commit=unversioned
git=$here/.git
if [ -f "$git" ]; then # a worktree or a submodule: the file names the directory
  IFS= read -r line <"$git"
  git=${line#gitdir: }
  case $git in /*) ;; *) git=$here/$git ;; esac
fi
if [ -f "$git/HEAD" ]; then
  IFS= read -r head <"$git/HEAD"
  case $head in
  'ref: '*)
    ref=${head#ref: }
    common=$git
    if [ -f "$git/commondir" ]; then
      IFS= read -r common <"$git/commondir"
      case $common in /*) ;; *) common=$git/$common ;; esac
    fi
    if [ -f "$common/$ref" ]; then
      IFS= read -r commit <"$common/$ref"
    elif [ -f "$common/packed-refs" ]; then
      while read -r hash name; do
        [ "$name" = "$ref" ] && commit=$hash && break
      done <"$common/packed-refs"
    fi
    ;;
  *) commit=$head ;;
  esac
fi

built=
[ -f "$here/dist/built-from" ] && IFS= read -r built <"$here/dist/built-from"
# HAKO_AS_BUILT: in a lab, which sees the clone and may not see the repository that it belongs to.
if [ -z "${HAKO_AS_BUILT-}" ] && [ "$built" != "$commit" ] || [ ! -x "$here/node_modules/.bin/node" ]; then
  sh "$here/scripts/setup.sh" "$commit" || exit "$failed"
fi

# Costs up to 35 ms at each start of Node (it parses every certificate), and nothing here speaks TLS.
unset NODE_EXTRA_CA_CERTS
# V8 keeps what it compiled, for each user apart: 5 ms less at each start. A directory that cannot be written is passed over.
export NODE_COMPILE_CACHE="$here/dist/compile-cache"
# Without background threads of V8: a short command gains nothing by them, and Node 24 has been seen to wait for one for ever as it ends.
# Without a new seed for V8's hash tables, which takes 5 of Node's 22 ms at each start: it protects a server from names that are chosen to
# make it slow. A command is not one; the engine is started otherwise, and has its seed.
exec "$here/node_modules/.bin/node" --single-threaded --no-rehash-snapshot ${flags-} ${start:+"$here/scripts/$start"} "$here/dist/$program" "$@"
