package router

import (
	"github.com/gin-gonic/gin"

	"parlor/define"
	"parlor/helper"
	"parlor/middleware"
	"parlor/router/classic"
	"parlor/router/cotalk"
	"parlor/router/instant"
	"parlor/router/usersig"
)

// addFaces adds the ways in for the clients of other systems that are not closed. What proves who asks differs, and
// stands in other places: each face asks for it itself.
func addFaces(engine *gin.Engine, d Deps, rates *helper.Rates, limit gin.HandlerFunc) {
	faces := d.Config.Faces
	if faces.Cotalk.Enabled {
		addCotalk(engine, d, rates)
	}
	if faces.Instant.Enabled {
		addInstant(engine, d, limit)
	}
	if faces.Classic.Enabled {
		addClassic(engine, d, rates)
	}
	if faces.Usersig.Enabled {
		addUsersig(engine, d, rates)
	}
}

// addCotalk lets the clients of seed 000 in.
func addCotalk(engine *gin.Engine, d Deps, rates *helper.Rates) {
	face := cotalk.New(cotalk.Options{
		Accounts: d.Services.Accounts, Sessions: d.Services.Sessions, Friends: d.Services.Friends, Rooms: d.Services.Rooms,
		Messages: d.Services.Messages, Files: d.Services.Files, Notifications: d.Services.Notifications, Sockets: d.Sockets, Failures: rates,
	})
	// Its page asks some four times for each message that it shows, all at once, and mostly without saying who asks.
	limit := middleware.RateLimit(helper.NewRates(5*requestsPerSecond, 10*requestsAtOnce, d.Config.Limits.Factor))
	body := middleware.Body(int64(d.Config.Files.MaxSize) + define.BodyMax)
	face.Routes(engine.Group("", middleware.WriteErrors(cotalk.WriteError), limit, body))
}

// addInstant lets the clients of seed 001 in.
func addInstant(engine *gin.Engine, d Deps, limit gin.HandlerFunc) {
	face := instant.New(instant.Options{
		Sockets: d.Sockets, Hub: d.Services.Hub, Accounts: d.Services.Accounts, Sessions: d.Services.Sessions, Friends: d.Services.Friends,
		Rooms: d.Services.Rooms, Messages: d.Services.Messages, Files: d.Services.Files, Avatars: d.Services.Accounts,
		Calls: d.Services.Calls, Speech: d.Services.Words, FileMax: int64(d.Config.Files.MaxSize), TrustNames: d.Config.Faces.Instant.TrustNames,
		Log: d.Log,
	})
	face.Routes(&engine.RouterGroup, limit)
}

// addClassic lets the clients of seed 002 in.
func addClassic(engine *gin.Engine, d Deps, rates *helper.Rates) {
	classic.New(classic.Options{
		Sessions: d.Services.Sessions, Accounts: d.Services.Accounts, Friends: d.Services.Friends, Messages: d.Services.Messages,
		Sockets: d.Sockets, Rates: rates, Log: d.Log,
	}).Mount(engine)
}

// addUsersig lets the clients of seed 003 in.
func addUsersig(engine *gin.Engine, d Deps, rates *helper.Rates) {
	usersig.New(usersig.Options{
		Config: d.Config.Faces.Usersig, Sessions: d.Services.Sessions, Accounts: d.Services.Accounts, Friends: d.Services.Friends,
		Rooms: d.Services.Rooms, Messages: d.Services.Messages, Files: d.Services.Files, FileMax: int64(d.Config.Files.MaxSize),
		Sockets: d.Sockets, Rates: rates, Log: d.Log,
	}).Mount(engine)
}
