//go:build !unix

package helper

import "os/exec"

// ownGroup leaves a process as it is: without groups, its context kills it alone.
func ownGroup(*exec.Cmd) {}

func killGroup(process *exec.Cmd) error { return process.Process.Kill() }
