# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# Completion of msupportctl(1) for bash.

_msupportctl() {
	local verbs='list collect show fetch clean verify delete pin unpin cancel keys collectors status watch'
	local common='--json --no-legend --no-pager --socket --help --version'
	local current=${COMP_WORDS[COMP_CWORD]} previous=${COMP_WORDS[COMP_CWORD - 1]}
	local verb='' word own='' words

	for word in "${COMP_WORDS[@]:1:COMP_CWORD-1}"; do
		case " $verbs " in
		*" $word "*) verb=$word && break ;;
		esac
	done
	case $verb in
	'' | list) own='--unit --trigger --key --since --until --limit --reverse' ;;
	collect) own='--profile --reason --only --namespaces --only-namespaces --clean --no-wait --timeout --dry-run --direct --output' ;;
	collectors) own='--check' ;;
	clean) own='--output --map --keyword --domain --report --force' ;;
	verify) own='--seeds' ;;
	fetch) own='--output --extract --must-gather --last-good --force' ;;
	esac

	# Behind "--option=" bash makes the "=" a word of its own.
	[ "$previous" != = ] || previous=${COMP_WORDS[COMP_CWORD - 2]}
	case $previous in
	--json) words='pretty short off' ;;
	--trigger) words='unit-failed unit-exited unit-startup neighbour-failed crash-loop certificate liveness pressure request' ;;
	--profile | -p) words='flash crash startup cert pressure final full' ;;
	--only) words=$(msupportctl collectors --no-legend 2>/dev/null | cut -d ' ' -f 1) ;;
	--unit | -u | --key | --since | -S | --until | -U | --limit | -n | --reason | -m | --namespaces | --timeout | --keyword | --domain) return ;;
	--output | -o | --extract | --socket | --map | --seeds)
		mapfile -t COMPREPLY < <(compgen -f -- "$current")
		compopt -o filenames 2>/dev/null
		return
		;;
	*)
		if [[ $current == -* ]]; then
			words="$own $common"
		elif [ -z "$verb" ]; then
			words=$verbs
		else
			case $verb in
			show | fetch | delete | pin | unpin)
				words="$(msupportctl list --no-legend 2>/dev/null | cut -d ' ' -f 1) latest"
				;;
			collectors)
				words=$(msupportctl collectors --no-legend 2>/dev/null | cut -d ' ' -f 1)
				;;
			clean | verify)
				mapfile -t COMPREPLY < <(compgen -f -- "$current")
				compopt -o filenames 2>/dev/null
				return
				;;
			*) return ;;
			esac
		fi
		;;
	esac
	mapfile -t COMPREPLY < <(compgen -W "$words" -- "${current#=}")
}

complete -F _msupportctl msupportctl
