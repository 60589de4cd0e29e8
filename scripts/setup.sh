#!/bin/sh
# Makes a fresh checkout ready: Debian packages, npm packages, the BPF object and the bundle. Does only what is missing,
# says what and why, and takes well under a second when nothing is. Two at once wait for each other.
#
#   scripts/setup.sh             everything
#   scripts/setup.sh --no-root   only what needs no root: enough for the offline commands
#   scripts/setup.sh --cluster   also what tests on real Kubernetes clusters need (docs/cluster.md): minutes, the first time
#
# Exit code 0: ready (with --no-root, or where nobody can become root: ready for the offline commands).
set -eu
root=$(CDPATH='' cd -- "$(dirname "$0")/.." && pwd -P)
cd "$root"

with_packages=yes
with_cluster=no
locked=no
for argument in "$@"; do
  case $argument in
    --no-root) with_packages=no ;;
    --cluster) with_cluster=yes ;;
    --locked) locked=yes ;; # Internal: we run under the lock already.
    *)
      sed -n '2,9s/^# \{0,1\}//p' "$0" >&2
      exit 2
      ;;
  esac
done

# One line per Debian package: name, the command or file that shows that it is there, and what it is for. Bulkhead's lab
# and tests need all of them; the offline commands need none.
debian_packages() {
  multiarch=/usr/lib/$(uname -m)-linux-gnu
  cat <<LIST
clang          clang                              compiles the program that runs in the kernel
llvm           llvm-strip                         takes the debugging information out of it
libbpf-dev     /usr/include/bpf/bpf_helpers.h     headers for that program
linux-libc-dev /usr/include/linux/bpf.h           the kernel's headers for it
libbpf1        $multiarch/libbpf.so.1             loads it into the kernel
iproute2       ip                                 makes the lab's namespaces and links
nftables       nft                                makes the lab's Services
procps         ps                                 shows what runs in the lab
curl           curl                               asks the lab's servers
LIST
}

# Likewise; tests on Kubernetes clusters need them, and nothing else.
cluster_packages() {
  cat <<LIST
runc                         runc              runs the containers of a test cluster
containernetworking-plugins  /usr/lib/cni/ptp  links its pods
openssl                      openssl           makes its certificates
iptables                     iptables          kube-router, from which a test migrates, enforces by it
ipset                        ipset             the same
LIST
}

present() {
  case $1 in
    /*) [ -e "$1" ] ;;
    # Debian leaves the sbin folders out of a user's PATH; sudo has them.
    *) (PATH=$PATH:/usr/sbin:/sbin && command -v "$1" >/dev/null 2>&1) ;;
  esac
}

# missing_packages LIST: of debian_packages or cluster_packages
missing_packages() {
  "$1" | while read -r package proof _; do
    present "$proof" || echo "$package"
  done
}

# True if node_modules holds exactly what package-lock.json asks for (optional packages may be absent).
node_modules_current() {
  [ -f node_modules/.package-lock.json ] && scripts/node.sh -e '
    const { readFileSync } = require("node:fs");
    const packagesOf = (file) => JSON.parse(readFileSync(file, "utf8")).packages;
    const installed = packagesOf("node_modules/.package-lock.json");
    const current = Object.entries(packagesOf("package-lock.json")).every(([path, wanted]) => {
      const found = installed[path];
      return path === "" || (found ? found.version === wanted.version : wanted.optional === true);
    });
    process.exit(current ? 0 : 1);
  ' 2>/dev/null
}

# older FILE PATH…: FILE is missing, or something under one of the paths is newer.
older() {
  target=$1
  shift
  [ ! -f "$target" ] || [ -n "$(find "$@" -type f -newer "$target" 2>/dev/null | head -n 1)" ]
}

object=dist/bulkhead.bpf.o
bundle=dist/bulkhead.js
object_stale() { older "$object" bpf scripts/build-bpf.sh; }
bundle_stale() { older "$bundle" src scripts/build.ts package.json; }

# step TITLE COMMAND…: runs the command with its output in a log, a dot every two seconds; shows the log if it fails.
step() {
  title=$1
  shift
  started=$(date +%s)
  printf '  %s ' "$title"
  "$@" >"$log" 2>&1 </dev/null &
  job=$!
  ticks=0
  while kill -0 "$job" 2>/dev/null; do
    [ $((ticks % 20)) -eq 0 ] && printf .
    ticks=$((ticks + 1))
    sleep 0.1
  done
  if wait "$job"; then
    echo " $(($(date +%s) - started)) s"
  else
    echo ' failed:'
    tail -n 25 "$log" | sed 's/^/    /'
    exit 1
  fi
}

# Sets $become: what to put before a command that needs root. False if nobody here can become root.
find_root() {
  become=
  [ "$(id -u)" -ne 0 ] || return 0
  command -v sudo >/dev/null || return 1
  become=sudo
  # Asks for the password now, where it can be seen, rather than in the middle of a step.
  if [ -t 0 ]; then sudo -v; else sudo -n true 2>/dev/null; fi
}

# install_packages TITLE LIST: those in $packages, explained by the list
install_packages() {
  echo "Debian packages for $1:"
  "$2" | while read -r package _ purpose; do
    case " $packages " in *" $package "*) printf '    %-15s%s\n' "$package" "$purpose" ;; esac
  done
  export DEBIAN_FRONTEND=noninteractive
  step 'reading the package lists' $become apt-get -q -o DPkg::Lock::Timeout=300 update
  # shellcheck disable=SC2086 # a list of words
  step 'installing them' $become env DEBIAN_FRONTEND=noninteractive \
    apt-get -q -y -o DPkg::Lock::Timeout=300 install --no-install-recommends $packages
}

explain_missing_packages() {
  echo "Not installed, for want of root: $packages"
  echo '  Without them the offline commands (check, matrix, explain, compile) work; the lab does not. As root, run:'
  echo "    apt-get update && apt-get install -y --no-install-recommends $packages"
}

packages=
[ "$with_packages" = no ] || packages=$(missing_packages debian_packages | tr '\n' ' ' | sed 's/ $//')
checkout_ready() { [ -z "$packages" ] && node_modules_current && ! object_stale && ! bundle_stale; }
if checkout_ready && [ "$with_cluster" = no ]; then
  exit 0
fi

# The lock is on the checkout itself and held by flock, so that nothing we start can keep it.
if [ "$locked" = no ] && command -v flock >/dev/null; then
  flock --nonblock "$root" true || echo 'Another set-up of this checkout is running; waiting for it.'
  exec flock --close "$root" "$0" --locked "$@"
fi

log=$(mktemp)
job=
trap 'rm -f "$log"' EXIT
trap '[ -z "$job" ] || kill "$job" 2>/dev/null; exit 130' INT TERM
echo 'Setting up this checkout.'

if ! command -v node >/dev/null || ! command -v npm >/dev/null; then
  echo '  Node.js 20 or newer with npm is needed first: apt-get install nodejs npm, or from nodejs.org.'
  exit 1
fi

if [ -n "$packages" ]; then
  if find_root; then install_packages 'the lab and the tests' debian_packages; else explain_missing_packages; fi
fi

if ! node_modules_current; then
  step 'npm packages, and with them a current Node.js' \
    npm ci --include=dev --include=optional --no-audit --no-fund --loglevel=error
fi
scripts/node.sh -e '
  const [major, minor] = process.versions.node.split(".").map(Number);
  if (major > 22 || (major === 22 && minor >= 18)) process.exit(0);
  console.log(`  Node.js 22.18 or newer is needed, this is ${process.version}, and npm has none for ${process.arch}.`);
  process.exit(1);
'

mkdir -p dist
if object_stale; then
  if present clang && present llvm-strip && present /usr/include/bpf/bpf_helpers.h; then
    step 'the BPF program' scripts/build-bpf.sh
  else
    echo '  the BPF program is not built: that needs clang, llvm and libbpf-dev'
  fi
fi
if bundle_stale; then
  step 'the bundle' scripts/node.sh scripts/build.ts
fi
# Without it all else works, and tests on clusters are skipped and say so.
if [ "$with_cluster" = yes ]; then
  packages=$(missing_packages cluster_packages | tr '\n' ' ' | sed 's/ $//')
  if [ -n "$packages" ] && find_root; then
    (install_packages 'test clusters' cluster_packages) || echo '  Without them tests on clusters are skipped.'
  fi
  scripts/node.sh test/cluster/main.ts parts ||
    echo '  Without all parts of a test cluster some tests on clusters are skipped.'
fi
if [ -f "$object" ]; then echo 'Ready.'; else echo 'Ready for the offline commands.'; fi
