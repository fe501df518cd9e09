//go:build unix

package helper

import (
	"os/exec"
	"syscall"
)

// ownGroup makes a process the first of a group that is killed as one when its context ends.
func ownGroup(process *exec.Cmd) {
	process.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	process.Cancel = func() error { return killGroup(process) }
}

func killGroup(process *exec.Cmd) error { return syscall.Kill(-process.Process.Pid, syscall.SIGKILL) }
