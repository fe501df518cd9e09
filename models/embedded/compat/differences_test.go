package compat

func known(s scenario, ours, theirs outcome) bool {
	return theirs.code == 238 || ours.code == 40324 || ours.code == 15952
}
