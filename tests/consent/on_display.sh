#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Runs a command on a virtual display and a session bus of its own.
#   on_display.sh COMMAND [ARGUMENT...]
set -euo pipefail
number=$(mktemp)
exec 7>"$number"
# Without -noreset it begins anew, and takes nobody, whenever its last client is gone.
Xvfb -screen 0 1400x2800x24 -noreset -nolisten tcp -displayfd 7 >/dev/null 2>&1 &
server=$!
trap 'kill "$server" 2>/dev/null || true; rm -f -- "$number"' EXIT
until [[ -s $number ]]; do
  kill -0 "$server" || exit 1
  read -rt 0.05 <> <(:) || true
done
DISPLAY=":$(<"$number")"
unset WAYLAND_DISPLAY
# Nothing here needs OpenGL, and loading a renderer takes longer than the window itself.
export GDK_DEBUG=gl-disable GDK_DISABLE=gl
export DISPLAY GDK_BACKEND=x11 GSK_RENDERER=cairo GSETTINGS_BACKEND=memory GTK_A11Y=atspi
dbus-run-session -- "$@" 7>&-
