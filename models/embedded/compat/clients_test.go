package compat

import (
	"bytes"
	"context"
	"net/url"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"parlor/models/embedded"
)

// client is a program that talks to a server as its own users' programs do.
type client struct {
	name string
	// ready is a command that succeeds where the client is installed.
	ready []string
	// run gives the command of its script.
	run func(uri string) []string
}

// python is the interpreter that Debian's packages are installed for.
const python = "/usr/bin/python3"

func mongosh(uri string, args ...string) []string {
	return append([]string{"node", "node_modules/mongosh/bin/mongosh.js", uri, "--quiet", "--norc"}, args...)
}

func clients() []client {
	return []client{
		{
			"Node driver",
			[]string{"node", "--eval", "require('mongodb')"},
			func(string) []string { return []string{"node", "--test", "--test-reporter=spec", "driver.mjs"} },
		},
		{
			"mongosh",
			[]string{"node", "--eval", "require.resolve('mongosh/package.json')"},
			func(uri string) []string { return mongosh(uri, "--file", "shell.js") },
		},
		{
			"PyMongo",
			[]string{python, "-c", "import pymongo, gridfs"},
			func(string) []string { return []string{python, "driver.py"} },
		},
	}
}

// TestClients runs each client's script. A client that isn't installed is skipped,
// or fails the test where the environment has CLIENTS=required.
func TestClients(t *testing.T) {
	t.Parallel()
	for _, c := range clients() {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			need(t, c)
			for name, user := range map[string]*url.Userinfo{"authenticated": url.UserPassword("parlor", "s3cret:/@"), "open": nil} {
				t.Run(name, func(t *testing.T) {
					uri := serve(t, user)
					runClient(t, uri, nil, c.run(uri))
				})
			}
		})
	}
}

// TestShell types into mongosh what people type, and looks at what it prints.
func TestShell(t *testing.T) {
	t.Parallel()
	for _, c := range clients() {
		if c.name == "mongosh" {
			need(t, c)
		}
	}
	uri := serve(t, nil)
	typed := []string{
		"use shop",
		`db.fruit.insertMany([{_id: 1, name: "apple", n: NumberLong(3), d: NumberDecimal("1.10"), at: ISODate("2024-02-29T12:00:00Z")}, {_id: 2}])`,
		"db.fruit.find()",
		"db.fruit.updateOne({_id: 2}, {$set: {n: 1}})",
		"db.fruit.insertOne({_id: 1})",
		"show dbs",
		"show collections",
		"db.fruit.getIndexes()",
		"db.fruit.find({_id: 1}).explain().queryPlanner.winningPlan.stage",
		"db.version()",
		"db.dropDatabase()",
	}
	printed := runClient(t, uri, typed, mongosh(uri))
	for _, want := range []string{
		"switched to db shop",
		"{ acknowledged: true, insertedIds: { '0': 1, '1': 2 } }",
		"name: 'apple'", "n: Long('3')", "d: Decimal128('1.10')", "at: ISODate('2024-02-29T12:00:00.000Z')",
		"modifiedCount: 1",
		`MongoServerError: E11000 duplicate key error collection: shop.fruit index: _id_ dup key: { _id: 1 }`,
		"shop  ",
		"fruit\n",
		"[ { v: 2, key: { _id: 1 }, name: '_id_' } ]",
		embedded.Version,
		"{ ok: 1, dropped: 'shop' }",
	} {
		if !strings.Contains(printed, want) {
			t.Errorf("mongosh printed no %q", want)
		}
	}
	if t.Failed() {
		t.Log(printed)
	}
}

// need skips or fails the test if a client isn't installed.
func need(t *testing.T, c client) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), c.ready[0], c.ready[1:]...)
	cmd.Dir = "clients"
	out, err := cmd.CombinedOutput()
	if err == nil {
		return
	}
	if os.Getenv("CLIENTS") == "required" {
		t.Fatalf("%s is not installed: %v\n%s", c.name, err, out)
	}
	t.Skipf("%s is not installed (npm ci in models/embedded/compat/clients, Debian's python3-pymongo and python3-gridfs): %v", c.name, err)
}

// serve starts a server on a loopback port and gives its address.
func serve(t *testing.T, user *url.Userinfo) string {
	t.Helper()
	o := embedded.Options{Dir: t.TempDir(), Listen: "127.0.0.1:0"}
	if user != nil {
		o.User = user.Username()
		o.Password, _ = user.Password()
	}
	s, err := embedded.Open(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(context.Background()); err != nil {
			t.Errorf("close: %v", err)
		}
	})
	if err := s.ListenErr(); err != nil {
		t.Fatal(err)
	}
	return (&url.URL{Scheme: "mongodb", User: user, Host: s.Addr().String(), Path: "/"}).String()
}

// runClient runs a command with typed lines as its input and gives what it prints.
func runClient(t *testing.T, uri string, typed, command []string) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, command[0], command[1:]...)
	cmd.Dir = "clients"
	// mongosh keeps its history and log in the home directory.
	cmd.Env = append(os.Environ(), "MONGODB_URI="+uri, "HOME="+t.TempDir())
	cmd.Stdin = strings.NewReader(strings.Join(typed, "\n") + "\n")
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	if err := cmd.Run(); err != nil {
		t.Fatalf("%s: %v\n%s", strings.Join(command, " "), err, out.String())
	}
	return out.String()
}
