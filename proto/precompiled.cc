// SPDX-License-Identifier: Apache-2.0
// Exists so that the target that owns the precompiled header has something to compile.
