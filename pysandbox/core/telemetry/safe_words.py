"""Words that may stand in telemetry because they say nothing of anybody: those of error messages and of logs.

An allowlist, not a dictionary: names, places, and words that are names as well, are left out on purpose. A plugin's own
log messages add the words that stand in its source, see `pysandbox.core.telemetry.log_words`.
"""

from __future__ import annotations

from typing import Final

_TEXT: Final = """
a abc abort aborted aborting about above absent absolute abstract accept accepted accepts access accessing account
accurate acquire acquired across act action actions active actor actual actually adapter add added additional addr
address addresses adds administration administrator administrators advance advertise after afterwards again against
age agent agents aggregate agree agreed agreement alert alerts alg algorithm algorithms alias aliased alignment alike
alive all allocate allocator allow allowance allowed allowlist allows almost alone along alphanumeric already also
alternative always among amount an analyse analysis ancestors and anew annotated annotation annotations anode another
answer answered answering answers any anybody anything anyway anywhere apart api app appear appears append application
applications applied apply appropriate approved apps apt architect architecture archive archives are area arg args
argue argument arguments argv arithmeticerror armed around array arrays arrive arrives as ascii ask asked asking asks
asm assert assertionerror asset assets assign assigned assignments assume assumed async asynchronous asyncio at atom
attach attached attack attacker attacks attempt attempted attempting attempts attr attribute attributeerror attrtext
aud audience audit auth authenticate authentication authkey author authority authorization authors auto automatic
autospec available average avoided await awaited awaiting awaits aware away aws azure back background backoff
backslash bad badly balance balancer balancers band bandwidth bare barrier base baseexception baseexceptiongroup basic
basically bat batch batches bdb be bearer beat because become becomes been before began begin begins begun behalf
behind being believed belong belongs below bench benchmarks beside besides best better between beyond big bin binaries
binary binaryen bind binding binds bit bits blank blanks blob block blocked blocking blockingioerror blocks bodies
body bold bool boolean booleans boot both boto bound boundary bounded bounds box brackets branch branches break
breaker breakpoint breaks brings broadcast broke broken brokenpipeerror brotli browser browsers budget budgets buffer
buffererror buffering buffers bufsize build builds built builtin bulk bundle bundled bundles burn burst business busy
but by bye byte bytearray bytecode bytes byteswarning bzip cab cache cached caches calculate calculated calculation
call callable callback called caller callers calling calls came camera can cancel canceled cancellation cancelled
candidate cannot canonical cap capabilities capability capacity card carried carrier carries carry cart case catch
category caught cause caused ceiling cell cells central certfile certificate chance change changed changes channel
channels chaos char character characters chars charset chat chats check checkable checked checkout checks child
childprocesserror children choice choices choose chooses chrome chromium chunk chunks chunksize cid circular claim
claims clash class classes clean cleaning cleanup clear cleared cli client clients climb clipboard clock clocks clone
close closed closes closing cluster cmd code codec codecs coded codes coding collect collected collects color column
com combination come comes comma command commands commas comment comments committed commonpath communication compact
compare compared compares comparison compatible compile compileall compiled compiler compiles compiling complaint
complete completion complex compliant component components composition compress compressed compression compute
computed computes computing concatenate concurrency concurrent condition config configure configured confirm confirmed
conflict conflicting conflicts connect connected connection connectionabortederror connectionerror
connectionrefusederror connectionreseterror connections consent consented consents console const constant constants
constraint construct construction constructor contact contain contained containers contains content contents context
contexts continue control controller conversation conversations conversion convert converted cookie cookies
cooperative copied copies copy copyable core coroutine coroutines correct corrected correction correlation corrupt
corrupted cost costs could couldn count counted counter counters counting counts covariance covered covers crash
crashes create created creating creation credential credentials credit crm cross crosses crypt csp css ctrl ctx ctypes
cumulative cur cure current currently curses customer cut cycle daily dark dash data database dataclass date dated
datetime day days db dbm ddir dead deadline deadlineexceeded deadlines deadlock dear death debit debug debuggers
decide decided decides decimal decision declaration declare declared declares decodable decode decoded decompress
decorate decorators dedicated deduplicate deep deeper def default defaults deferred define defined defines defining
definition degraded delay delayed delete deleted delimiter deliver delivered delivery delta demo denied deno density
depend dependency depends deploy deployment deprecated deprecationwarning depth derived describe describes description
descriptor desired desktop destination detached detail details detect detected determine determined dev develop
developer developers development device devices dict dictionary dicts did didn died dies diff differ difference
different differently digest digit digital digits dim dir direct direction directive directives directly directories
directory dirs disable disabled disagree disallowed disassemble discarded discount disk dispatch display dist distance
distribution distributions distutils divide division do docs docstring doctest doctor document documentation
documented does doesn domain don done door dot dots dotted double doubt down download draft drain drained draining
drains drawn draws driven driver drop dropped dropping dst dualstack due dumb dumps duplicate duplicated duration
during dynamic each earlier early echoes edge edit egress eight either elem element elements eligible ellipsis else
elsewhere email embed embedded embedder embedding emit emitted empty emscripten enable enabled enclosed encode encoded
encoding encodings encodingwarning encountered encrypted end ended ending endless endpoint ends enforced enforces
engine enough enqueue enqueued ensurepip enter entered entity entries entry enum env envelope envelopes environment
environmenterror eof eoferror epoch equal error errors escape escaped escapes esr established estimate estimated etc
eval evaluate evaluated evaluating evaluation even event events ever every everybody everything everywhere evidence
exact exactly example examples exceed exceeded exceeds except excepthook exception exceptiongroup exceptions exchange
exchanged excluded exclusion exclusive exe exec executable executed executor exhausted exist existing exists exit
exitpriority exp expat expect expected expecting expects expired expires expiry explain explicit export exports
expression ext extended extension extensions external extra extracted extraction extras factory fail failed failing
failover fails failure failures fake fakes fallback falls false family far fares fast faster fastest fatal fault
faults fds feature features feedback fetch fetched fetches few fewer ffi field fields figure figures file
fileexistserror filename filenames filenotfounderror files filled fills filter filters finally find finding findings
finds fine finished finishing finite fired firefox first fit fits five fix fixed flag flags flatten flight flipped
float floatingpointerror flood floods floor flow flows flush fmt fold folder folders followed following follows font
for forbid force foreign forged forget forgotten fork forkserver form format formatter formatting forms forward
forwarded found four fraction fragment frame framed fraud free freeze fresh from fromisoformat fromutc front frozen
fstring ftp ftplib full fully function functions further future futures futurewarning fuzz gap gate gateway gave gen
generate generated generation generations generator generatorexit generic get getaddrinfo getboolean gets getstate
give given gives global globals glue go goes going gold gone good goodbye google got goto governs grade grant granted
grants graphics greater green greet greeting group grouping groups grows grp gtk guarded guessed guide gzip gzipped
had half halted hand handed handle handler handlers handling hands handshake hang hangs happen happened happens happy
hard hardly harmless has hash hashes hashlib have head header headers headless health healthz heap hear heard hears
heavy height held hello help here hex hexadecimal hidden hide hides high highest hint history hit hits hmac hold
holder holding holds hole home honest honour hook hooks hop host hostname hosts hot hour hours how html http https
huge hundred hung hvac hyphens i iat id idempotency identical identifier identifiers identity idle idlelib ids if
iframe ignore ignored ignoring iife illegal image imaplib img immutable implement implementation implemented
implements import imported importerror importing importlib imports importwarning impossible in inappropriate inbound
incident include included inclusive incoming incompatible incomplete inconsistent incorrect increase indentation
indentationerror index indexable indexerror indices inf infinities infinity info information inherit inheritance init
initial initialise initialised initialization initializer injected inline input inputs inside inspection install
installation installed installs instance instances instantiate instantiated instead insufficient int integer integers
integration integrations integrity intended intent interaction interactions interface intermixed internal internet
interpolation interpreter interpreters interrupt interrupted interruptederror interval into invalid invocation
invocations invoke invoking ioctl ioerror is isadirectoryerror isinstance iso isoformat isolated isolation iss
issubclass issue issuer it item items iterable its itself javascript jitter job join joins js json jsonlines judged
just jwks jwt keep keeps kept key keyboard keyboardinterrupt keyerror keyfile keyring keys keyword keywords kid kill
killed kills kind kinds know known knows kong kty kwargs label lack lacks lang language large larger last late latency
later latest latin launch layer layers lead leader leads leaks least leave leaves left leftmost len length lengths
lenient less let lets letter letters level levels lib libraries library license lie lies life lifecycle lifetime like
likely limit limited limits line linear lineno lines link linked linkname links list listed listen listener listeners
listening listens lists literal little live lives load loaded loader loaders loading loads local locale localhost
locate location lock locked locks log logger logging logic logical logs lone long longer longest look looked looks
lookup lookuperror loop loopback loops loss lost low lower lzma mac machine macholib macro macros macs made magic
mailbox main mainframes make makes malformed manage management manager managers manifest manifests manual many map
mapped mapping margin marked marker marks marshal mask masked masking master match matched matches matching math
matters max maximum maxsize may mbcs mean meaning meaningful means meant meanwhile measure measured measures media
median medium meet meets member members memory memoryerror memoryview mend mended mends merge merged merging message
messages met metaclass metadata metavar method methods metric metrics mia microphone micropip microsecond microsoft
might migrate migrations milliseconds mingw minimum minute minutes misbehave misbehaving mismatch missed missing
mistake mix mixed mjs mock mocked mode model models moderate modified modify module modulefinder modulenotfounderror
modules moment monitor month months more most mount move moved moves mozilla ms msg mtls much multi multibyte
multicast multihop multipart multiple multiplier multiprocessing must mutate mutually my naive name named nameerror
names namespace namespaces naming nargs native navigates nbf ndjson near need needed needs negative neither nest
nested nesting nests netrc netscape network networks neutral never new newer newest newline newlines newobj news next
nginx nightly no nobody node nodes nodesock non nonce nonces none nonetype nonnegative nonnumeric nonzero nor normal
normalised normalized nosniff not notadirectoryerror note notes nothing notice notified notify notimplementederror now
nowhere npm null number numbered numbering numbers numerical oauth object objects obs observe octal octet odd of off
offer offline offset often ok old older oldest on once one ones online only opaque opcode open openapi opened opener
opening opens openssl operand operation operator operators opted optimization optimize option optional options or
order ordering orders org origin origins os oserror other others otherwise our ours out outage outbound outcome
outcomes outgoing outlives output outside over overall overdraft overdue overflow overflowerror overload overloaded
overlong overridden override overrun overwrite own owned owner owns package packages packed padding page pages paid
pair panel parallel parameter parameters parent parenthesis parenthesized parse parsed parser parses parsing part
partial partially parts party pass passed passes passing password passwords past patch patched path pathlib paths
pattern patterns pause paused payload payment payments pdf peak peer pem pending pendingdeprecationwarning people per
percent performance performing perhaps period permission permissiondenied permissionerror permissions permitted
persistent person personal pick picked pickle pickled pickletools picture pid piece pii pin ping pinned pinning pip
pipe pipeline pipes pixel place placeholder placement places plain plan plat platbase platform platforms playwright
please plugin plugins plural png point points policies policy pong pool pop popen poplib population port ports
position positional positive possible post postgres postgresql posts predicted prediction prefer prefetch prefix
prefixed prefixlen premium prepare prepared prepend prependdir present pressure previous price principal print
printable printed prints priority private proactor probability probe probes problem problems process processed
processes processing processlookuperror prod produced product profile program progress progressed prometheus promise
promised promote proof properties property protocol protocols prove proves provide provided provider provides proxied
proxies proxy prune pstats psycopg ptcp ptr pty public publickey published publisher publishers pure purge purpose
push put puts pwd py pyc pyclbr pydatetime pydoc pyio pyodide pyrepl pysandbox pysandboxjs pytest python quarter
quarters query question questions queue queued queues quick quicker quiet quota quote quoted quotes race raise raised
raises ran random randomness randrange range ranking rare rate ratelimit ratio rational raw reach reachable reached
reaches read readable reader readers readiness reading reads ready readyz real realm realms reason reasons rebinding
rebound recalculated receive received recent recently recognized recommend recommendation recommended reconnect record
recorded recording records recoverable recursionerror recursive recv recvfrom recvmsg red redact redacted redaction
redactor redirect redirection redirects redis rediss reduce ref refer reference referenceerror references referrer
refresh refreshed refund refusal refusals refuse refused refuses refusing regardless region register registered
registers registration registries registry regression regular rehearsal rehearse reject rejected relative release
released relevant reload remain remaining remains remembered reminder remote remove removed removes removing rename
renamed renew renewed reordered repeat repeated repetition replace replaced replaces replay replayed replays replica
replicas reply report reported reporting reports representation request requested requests require required
requirement requirements requires reserve reserved reset resolve resolved resolver resolves resource resources
resourcewarning respawn responded responding response responses rest restart restarted restarts restored restriction
rests result results retried retries retrieval retry retryable retrying return returned returns reuse revenue reverse
review revision revisions revocation revoke revoked rewind rich right rights risk risky rlcompleter rmtree road
rollover room root rotate rotated round rounds route routed routes routing row rows rule rules run runner running runs
runtime runtimeerror runtimewarning s safe safebrowsing said same sample sampling sandbox sandboxerror save saved
saving say says scan scans schedule schema schemas scheme scope scopes score scored scorer scores scoring scratch
screen script scripts sealed seals search sec second seconds secret secrets section secure security see seed seek
seekable seeking seeks seen sees segment segments selected selenium self semaphore semaphores send sender sendfile
sends sense sent sentiment separated separator seq sequence sequences serialize serve served server servers serves
service services serving session sessions set sets setstate setting settings settled setup several severed severity
sha shape share shared sharedctypes shares shebang shell shipped shipping ships shm short shorten shortened shorter
shortest shot should shouldn show showing shown shows shut shutdown shutting sid side sigma sign signal signaling
signals signature signatures signed signs silence silent silently silver similar since single site sits size sizes
skip skipped skipping slash slashes sleep sliding slim slimmed slot slots slow slower small smaller smtplib smuggles
so social sock socket sockets soft software some somebody something soon sorted sound source sourcemap sources space
spaces spam span spare spares sparse speak speaks spec special specific specification specified specifier specifies
specify speed spelling spellings spends spent spine spins splice spread sqlite src ssl ssn stable stack stage stale
stamp stand standard stands starlette start started starting starts state statement statements states static status
stay stays stderr stdev stdin stdlib stdout steers step steps still stock stop stopasynciteration stopiteration
stopped stopping stops storage store stored stores str stranger strangers strategy stream streamed streams stretch
strict strictly string stringify strings strip stripdir structure stub studio style sub subclass subclasses subject
submission submit submitted subparser subpattern subscriptable subscripted subset subtype success successful such
suffix suggest suggested suggestion suitable sum summarise summarised summarize summarized summary supplied supply
support supported supports surface surrogate surrogateescape surrogatepass surrogates suspended suspicious svg switch
switched symbolic symbols symlink sync synchronize synchronized synchronous syntax syntaxerror syntaxwarning sys
syscall system systemerror systemexit systems t tab taberror table tables tabnanny tag take taken takes taking target
task tasks tcl team telemetry telephony tell tells template temporarily temporary ten tenant tenants teredo terminal
terminals terminated terser test tested testing tests text texts than that the their theirs them then there therefore
these they thin thing things third this those thread threads three threshold throttled through throw throws ticket
tickets tier tiers ties time timed timedelta timeline timeout timeouterror timeouts timer timers times timezone
tkinter to today together token tokenized tokens told toml too took tool tools top topic total totals touches trace
traceback traceparent tracestate tracker trailer trailing trampoline transaction transcript transfer transferred
transform transformed transition translated translation transport transports travel travels treat tree trend tried
tries trigger triggered true truncate truncated trunk trust trusted try trying ttl tty tunnel tuple tuples turn turned
twice two txt type typed typeerror types typing tzinfo tzname uint unable unavailable unbalanced unblock
unboundlocalerror unbuffered uncaught unchanged unclosed undeclared undefined under underlying underscore undo
unescaped unexpected unexpectedly unicast unicode unicodedecodeerror unicodeencodeerror unicodeerror unicodestring
unicodetranslateerror unicodewarning union unique unit units unittest universal unknown unless unload unloaded
unmatched unpacked unpacks unpickling unreachable unread unreadable unrecognised unrecognized unresolved unsafe
unsupported unterminated until unused unusual unwrapped up update updated updating upgrade upload uploaded upstream
upstreams urgent uri url urlencoded urllib us usable usage use used user users userwarning uses using usr usual
usually utcoffset utf utility uvicorn valid validated validating validation value valueerror values var variable
variables variant vary vault vaults vcvarsall vectors vendor venv verb verified verify verifying version versions very
via view violation violations visit visitor visual volume vouch wait waited waiter waiting waits wake wall walls want
wanted wants warm warmup warn warning warnings was wasm watchdog watched way ways we web webbrowser webchat webkit
week weekday weekly weigh weight weighted weights welcome well went were what whatever whatwg wheel wheels when whence
where whether which whichever while whl who whoever whole whom whose why wide wider width wildcard wildcards will win
window windows wins wire with withdraw within without woff word words work worker workers works world worse worth
would wrap wrapper wrappers writable write writer writes writing written wrong wrote wsgiref wss www xml xmlns xmlrpc
xvfb year yellow yes yesterday yet yield you your yours zero zerodivisionerror zeros zip zipapp zipfile zlib zone
"""
SAFE_WORDS: Final = frozenset(_TEXT.split())
