package router_test
import ("context";"fmt";"testing";"time";"parlor/define";"parlor/helper";"parlor/models"
"go.mongodb.org/mongo-driver/v2/bson";"go.mongodb.org/mongo-driver/v2/mongo";"go.mongodb.org/mongo-driver/v2/mongo/options";"net")
type zzDial func(ctx context.Context) (net.Conn, error)
func (d zzDial) DialContext(ctx context.Context, _, _ string) (net.Conn, error) { return d(ctx) }
func (c *crowd) examined() [2]int64 {
	client, err := mongo.Connect(options.Client().ApplyURI("mongodb://embedded/?directConnection=true").SetDialer(zzDial(c.instance.database.Dial)))
	if err != nil { c.b.Fatal(err) }
	defer client.Disconnect(context.Background())
	var status struct {
		Metrics struct {
			QueryExecutor struct{ Scanned, ScannedObjects int64 } `bson:"queryExecutor"`
		}
	}
	if err := client.Database("parlor").RunCommand(context.Background(), bson.D{{Key: "serverStatus", Value: 1}}).Decode(&status); err != nil { c.b.Fatal(err) }
	return [2]int64{status.Metrics.QueryExecutor.Scanned, status.Metrics.QueryExecutor.ScannedObjects}
}
func newCrowdOn(b *testing.B, server *instance, n int) *crowd {
	b.Helper()
	c := &crowd{instance: server, b: b}
	ctx := context.Background()
	expires := time.Now().Add(24*time.Hour)
	for i := range n {
		account := fmt.Sprintf("user%05d", i)
		user := models.User{
			Identity: helper.NewIdentity(), Account: account, AccountKey: account, Number: int64(i + 1), Nickname: account,
			Description: define.DefaultDescription, CreatedAt: 1,
		}
		session := models.Session{Identity: helper.NewIdentity(), UserIdentity: user.Identity, ExpiresAt: expires, SeenAt: time.Now().UnixMilli()}
		token, err := server.tokens.Sign(user.Identity, session.Identity, time.Now(), expires)
		for _, err := range []error{err, server.store.Users.Insert(ctx, &user), server.store.Sessions.Insert(ctx, &session)} {
			if err != nil {
				b.Fatal(err)
			}
		}
		c.users, c.tokens = append(c.users, user.Identity), append(c.tokens, token)
	}
	return c
}

