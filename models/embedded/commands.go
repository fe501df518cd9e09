package embedded

// commandTable gives the commands by name.
func commandTable() map[string]command {
	return map[string]command{
		"hello":    {run: runHello, open: true},
		"isMaster": {run: runHello, open: true},
		"ismaster": {run: runHello, open: true},

		"saslStart":    {run: runSaslStart, open: true},
		"saslContinue": {run: runSaslContinue, open: true},
		"logout":       {run: runLogout, open: true},

		"ping":             {run: runPing, open: true},
		"buildInfo":        {run: runBuildInfo, open: true},
		"buildinfo":        {run: runBuildInfo, open: true},
		"connectionStatus": {run: runConnectionStatus, open: true},
		"whatsmyuri":       {run: runWhatsMyURI, open: true},
		"endSessions":      {run: runEndSessions, open: true},
		"getParameter":     {run: runGetParameter, adminOnly: true},
		"getCmdLineOpts":   {run: runGetCmdLineOpts, adminOnly: true},
		"getLog":           {run: runGetLog, adminOnly: true},
		"hostInfo":         {run: runHostInfo},
		"serverStatus":     {run: runServerStatus},
		"listCommands":     {run: runListCommands, open: true},

		"renameCollection": {run: runRenameCollection, adminOnly: true},

		"listDatabases":   {run: runListDatabases, adminOnly: true},
		"listCollections": {run: runListCollections},
		"listIndexes":     {run: runListIndexes},
		"create":          {run: runCreate},
		"drop":            {run: runDrop},
		"dropDatabase":    {run: runDropDatabase},
		"createIndexes":   {run: runCreateIndexes},
		"dropIndexes":     {run: runDropIndexes},
		"deleteIndexes":   {run: runDropIndexes},
		"collStats":       {run: runCollStats},
		"collstats":       {run: runCollStats},
		"dbStats":         {run: runDBStats},
		"dbstats":         {run: runDBStats},
		"validate":        {run: runValidate},

		"insert":        {run: runInsert},
		"update":        {run: runUpdate},
		"delete":        {run: runDelete},
		"findAndModify": {run: runFindAndModify},
		"findandmodify": {run: runFindAndModify},
		"find":          {run: runFind},
		"getMore":       {run: runGetMore},
		"killCursors":   {run: runKillCursors},
		"count":         {run: runCount},
		"distinct":      {run: runDistinct},
		"aggregate":     {run: runAggregate},
		"explain":       {run: runExplain},
	}
}
