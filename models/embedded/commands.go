package embedded

import "context"

// command is how one command is run.
type command struct {
	// run appends the fields of the reply to out.
	run func(ctx context.Context, r *request, out []byte) ([]byte, error)
	// kind is what serverStatus counts it as.
	kind opKind
	// open commands run before authentication.
	open bool
	// adminOnly commands are refused in other databases.
	adminOnly bool
	// stable commands are part of API version 1.
	stable bool
	// read commands end when their client leaves.
	read bool
	// ownTime commands give maxTimeMS a meaning of their own.
	ownTime bool
	// sequence is the field that the command reads from a document sequence.
	sequence string
}

// commandTable gives the commands by name.
func commandTable() map[string]command {
	return map[string]command{
		"hello":    {run: runHello, open: true, stable: true},
		"isMaster": {run: runHello, open: true},
		"ismaster": {run: runHello, open: true},

		"saslStart":        {run: runSaslStart, open: true, stable: true},
		"saslContinue":     {run: runSaslContinue, open: true, stable: true},
		"logout":           {run: runLogout, open: true},
		"connectionStatus": {run: runConnectionStatus, open: true},
		"usersInfo":        {run: runUsersInfo},
		"rolesInfo":        {run: runRolesInfo},

		"ping":         {run: runPing, open: true, stable: true},
		"buildInfo":    {run: runBuildInfo, open: true},
		"buildinfo":    {run: runBuildInfo, open: true},
		"whatsmyuri":   {run: runWhatsMyURI, open: true},
		"features":     {run: runFeatures, open: true},
		"listCommands": {run: runListCommands, open: true},

		"startSession":             {run: runStartSession, open: true},
		"refreshSessions":          {run: runRefreshSessions, open: true, stable: true},
		"endSessions":              {run: runEndSessions, open: true, stable: true},
		"killSessions":             {run: runKillSessions},
		"killAllSessions":          {run: runKillAllSessions},
		"killAllSessionsByPattern": {run: runKillAllSessionsByPattern},

		"currentOp":      {run: runCurrentOp, adminOnly: true},
		"killOp":         {run: runKillOp, adminOnly: true},
		"getParameter":   {run: runGetParameter, adminOnly: true},
		"setParameter":   {run: runSetParameter, adminOnly: true},
		"getCmdLineOpts": {run: runGetCmdLineOpts, adminOnly: true},
		"getLog":         {run: runGetLog, adminOnly: true},
		"hostInfo":       {run: runHostInfo},
		"serverStatus":   {run: runServerStatus},
		"connPoolStats":  {run: runConnPoolStats},
		"top":            {run: runTop, adminOnly: true},
		"fsync":          {run: runFsync, adminOnly: true},
		"logRotate":      {run: runLogRotate, adminOnly: true},
		"profile":        {run: runProfile},

		"replSetGetStatus":  {run: runReplication, adminOnly: true},
		"replSetGetConfig":  {run: runReplication, adminOnly: true},
		"commitTransaction": {run: runTransaction, adminOnly: true, stable: true},
		"abortTransaction":  {run: runTransaction, adminOnly: true, stable: true},

		"listDatabases":    {run: runListDatabases, adminOnly: true, stable: true, read: true},
		"listCollections":  {run: runListCollections, stable: true, read: true},
		"listIndexes":      {run: runListIndexes, stable: true, read: true},
		"create":           {run: runCreate, stable: true},
		"collMod":          {run: runCollMod, stable: true},
		"renameCollection": {run: runRenameCollection, adminOnly: true},
		"drop":             {run: runDrop, stable: true},
		"dropDatabase":     {run: runDropDatabase, stable: true},
		"createIndexes":    {run: runCreateIndexes, stable: true, read: true},
		"dropIndexes":      {run: runDropIndexes, stable: true},
		"deleteIndexes":    {run: runDropIndexes},
		"reIndex":          {run: runReIndex},
		"compact":          {run: runCompact},
		"collStats":        {run: runCollStats, read: true},
		"collstats":        {run: runCollStats, read: true},
		"dbStats":          {run: runDBStats, read: true},
		"dbstats":          {run: runDBStats, read: true},
		"dataSize":         {run: runDataSize, read: true},
		"datasize":         {run: runDataSize, read: true},
		"dbHash":           {run: runDBHash, read: true},
		"dbhash":           {run: runDBHash, read: true},
		"validate":         {run: runValidate, read: true},

		"insert":        {run: runInsert, kind: opInsert, stable: true, sequence: "documents"},
		"update":        {run: runUpdate, kind: opUpdate, stable: true, sequence: "updates"},
		"delete":        {run: runDelete, kind: opDelete, stable: true, sequence: "deletes"},
		"findAndModify": {run: runFindAndModify, stable: true},
		"findandmodify": {run: runFindAndModify},
		"find":          {run: orView(runFind, runOnView), kind: opQuery, stable: true, read: true},
		"getMore":       {run: runGetMore, kind: opGetMore, stable: true, read: true, ownTime: true},
		"killCursors":   {run: runKillCursors, stable: true},
		"count":         {run: orView(runCount, countOnView), stable: true, read: true},
		"distinct":      {run: orView(runDistinct, distinctOnView), read: true},
		"aggregate":     {run: orView(runAggregate, runOnView), stable: true, read: true},
		"explain":       {run: runExplain, stable: true, read: true},
		"mapReduce":     {run: runMapReduce},
		"mapreduce":     {run: runMapReduce},
	}
}
