package router_test

// walkFiles uploads, sends and downloads files in all ways that openapi.yaml knows.
func walkFiles(alice, bob *user, private string) {
	alice.t.Helper()
	drawn := pngBytes(picture(600, 400))
	photo := alice.upload("photo.png", drawn)
	alice.sendForm("PUT", "/users/me/avatar", "me.png", drawn).ok(200)
	alice.sendForm("PUT", "/users/me/avatar", "me.txt", []byte("me")).refused("unsupported")
	alice.patch("/users/me", fields{"avatar": photo.Identity}).ok(200)
	bob.patch("/users/me", fields{"avatar": photo.Identity}).refused("invalid", "avatar")
	alice.post("/files", fields{"file": "x"}).refused("unsupported")
	alice.sendForm("POST", "/files", "empty", nil).refused("invalid", "file")
	alice.sendForm("POST", "/files", "large", make([]byte, 21<<20)).refused("too_large")

	bob.download(photo.Identity).refused("not_found")
	bob.post("/rooms/"+private+"/messages", fields{"file": photo.Identity}).refused("invalid", "file")
	alice.post("/rooms/"+private+"/messages", fields{"file": photo.Identity, "type": "audio"}).refused("invalid", "file")
	said := alice.sendFile(private, photo, "a caption")
	bob.post("/rooms/"+private+"/messages", fields{"data": "nice", "reply_to": said.Identity}).ok(201)
	bob.post("/messages/forward", fields{"messages": []int64{said.Identity}, "rooms": []string{private}, "mode": "merged"}).ok(201)
	alice.patch(said.path(), fields{"data": ""}).ok(200)
	bob.get("/rooms").ok(200)
	for _, path := range []string{photo.Identity, photo.Identity + "/thumb"} {
		whole := bob.download(path)
		whole.bytes(200, whole.body)
		bob.download(path, "Range", "bytes=-1").bytes(206, whole.body[len(whole.body)-1:])
		bob.download(path, "If-None-Match", whole.header.Get("ETag")).bytes(304, nil)
		bob.ask("HEAD", "/files/"+path, bob.token, nil).bytes(200, nil)
		bob.ask("HEAD", "/files/"+path, bob.token, nil, "Range", "bytes=0-0").bytes(206, nil)
		bob.ask("HEAD", "/files/"+path+"?token="+bob.token, "", nil, "If-None-Match", whole.header.Get("ETag")).bytes(304, nil)
	}
	if a := bob.download(photo.Identity, "Range", "bytes=99999999-"); a.status != 416 {
		bob.t.Errorf("%s: status %d", a.call, a.status)
	}
	alice.download(photo.Identity+"?download=1").refused("invalid", "download")
}
